package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openListener listens at a free port until the test ends.
func openListener(t *testing.T, rt *Runtime) *Listener {
	t.Helper()
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// dialAll connects n times, and closes the connections at the end of the test.
func dialAll(t *testing.T, to netip.AddrPort, n int) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
}

func TestListenAtATakenPortFails(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	_, err := Listen(rt, l.Addr())
	if want := "listen " + l.Addr().String() + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Property 15: one edge, many connections.
func TestOneEdgeBringsAllConnections(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	const connections = 200
	dialAll(t, l.Addr(), connections)
	blockOn(t, rt, Async(func(co *Co) int {
		for range connections {
			if got := Await(co, l.Accept()); got.Err != nil {
				t.Error(got.Err)
			} else {
				got.Value.Close()
			}
		}
		return 1
	}))
}

// Property 29: this task always finds another connection.
func TestTaskThatAlwaysFindsAConnectionTakesTurns(t *testing.T) {
	rt := openRuntime(t)
	l := openListener(t, rt)
	dialAll(t, l.Addr(), transfersPerPoll+1)
	deliver(t, rt) // the edge, before any task is polled
	accepted := 0
	SpawnRemote(rt, Async(func(co *Co) int {
		for ; ; accepted++ {
			Await(co, l.Accept()).Value.Close()
		}
	}))
	blockOn(t, rt, ready(1))
	if accepted != transfersPerPoll {
		t.Errorf("another task had its turn after %d connections, want %d", accepted, transfersPerPoll)
	}
}

// Property 38.
func TestClosedListenerWakesTheAccept(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	h := SpawnRemote(rt, l.Accept())
	blockOn(t, rt, Async(func(co *Co) int {
		Await(co, Sleep(time.Millisecond))
		l.Close()
		l.Close()
		return 1
	}))
	if got := blockOn(t, rt, h); !errors.Is(got.Value.Err, net.ErrClosed) {
		t.Errorf("Accept yields %v, want %v", got.Value.Err, net.ErrClosed)
	}
}

// Property 36.
func TestAbandonedAcceptLeavesNothing(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	blockOn(t, rt, Timeout(l.Accept(), time.Millisecond))
	if waitingFor(rt) != 0 {
		t.Errorf("%d wakers are left", waitingFor(rt))
	}
	dialAll(t, l.Addr(), 1)
	if got := blockOn(t, rt, l.Accept()); got.Err != nil {
		t.Error(got.Err)
	} else {
		got.Value.Close()
	}
}

// Property 3.
func TestFinishedAcceptIsNotPolled(t *testing.T) {
	rt := openRuntime(t)
	l := openListener(t, rt)
	dialAll(t, l.Addr(), 1)
	a := l.Accept()
	blockOn(t, rt, a).Value.Close()
	wantPanic(t, "Async polled after it finished", func() { a.Poll(taskContext(rt)) })
}

// limitVariable tells the test binary that it may lower its limit of descriptors.
const limitVariable = "LOW_LIMIT"

// inOwnProcess runs the calling test again in a process of its own. In there it
// returns true.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(limitVariable) != "" {
		return true
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), limitVariable+"=1")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

// exhaust lowers the limit of descriptors and takes all that are left.
func exhaust(t *testing.T) (taken []int) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 64
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err == unix.EMFILE {
			return taken
		} else if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, fd)
	}
}

// Property 39.
func TestAcceptWithoutDescriptorsBacksOffAndRecovers(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("macOS drops a connection that it can't give a descriptor to")
	}
	if !inOwnProcess(t) {
		return
	}
	rt := openRuntime(t)
	l := openListener(t, rt)
	dialAll(t, l.Addr(), 3)
	reports := reportsOf(rt)
	taken, polls, ticks := exhaust(t), 0, 0
	h := SpawnRemote(rt, Counted(Async(func(co *Co) int {
		for range 3 {
			got := Await(co, l.Accept())
			if got.Err != nil {
				t.Error(got.Err)
				break
			}
			got.Value.Close()
		}
		return 1
	}), &polls))
	blockOn(t, rt, Async(func(co *Co) int {
		for ; ticks < 10; ticks++ { // other tasks go on meanwhile
			Await(co, Sleep(acceptPause/2))
		}
		return 1
	}))
	if h.task.state == ended || polls > 12 || len(*reports) != 1 {
		t.Errorf("after %d polls without descriptors, it has ended: %t, reported: %q; want at most one poll for each pause, and one report", polls, h.task.state == ended, *reports)
	}
	for _, fd := range taken {
		unix.Close(fd)
	}
	blockOn(t, rt, h)
}

// Properties 36 and 39.
func TestListenerClosedInAPauseLeavesNoTimer(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("macOS drops a connection that it can't give a descriptor to")
	}
	if !inOwnProcess(t) {
		return
	}
	rt := openRuntime(t)
	l := openListener(t, rt)
	dialAll(t, l.Addr(), 1)
	taken := exhaust(t)
	reportsOf(rt)
	h := SpawnRemote(rt, l.Accept())
	blockOn(t, rt, until(func(cx *Context) bool {
		wakeLocal(cx.waker)
		return rt.Report().Timers == 1
	}))
	l.Close()
	blockOn(t, rt, h)
	if got := rt.Report(); got.Timers != 0 {
		t.Errorf("%d timers are left", got.Timers)
	}
	for _, fd := range taken {
		unix.Close(fd)
	}
}

// Property 39: that connection is lost, and no other. It's reported once, until
// the trouble is over.
func TestConnectionThatCannotBeRegisteredDoesNotEndAccept(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	reports := reportsOf(rt)
	l := openListener(t, rt)
	real, polls := rt.reactor.poller, 0
	for range 2 {
		dialAll(t, l.Addr(), 3)
		rt.reactor.poller = &refusingPoller{real, 2}
		got := blockOn(t, rt, Counted(l.Accept(), &polls))
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		got.Value.Close()
		blockOn(t, rt, Timeout(l.Accept(), time.Millisecond)) // finds that nothing is left
	}
	want := fmt.Sprintf("accept at %s, again every %v: cannot allocate memory", l.Addr(), acceptPause)
	if len(*reports) != 2 || polls > 8 || runtime.GOOS == "linux" && (*reports)[0] != want {
		t.Errorf("reported in %d polls: %q, want %q, twice", polls, *reports, want)
	}
}

// Property 39: at the same address, at once, although the closed connections are
// still remembered there.
func TestServerCanBeStartedAgain(t *testing.T) {
	rt := openRuntime(t)
	l := openListener(t, rt)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	blockOn(t, rt, l.Accept()).Value.Close() // we close first, so the address is ours to remember
	l.Close()
	c.Close()
	again, err := Listen(rt, l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// echoing is an echo server under test. Its runtime has a goroutine of its own.
type echoing struct {
	addr string
	rt   *Runtime
	open []*echoConnection // after stop
	stop func()
}

func startEcho(t *testing.T) *echoing {
	t.Helper()
	rt := openRuntime(t)
	l := openListener(t, rt)
	e := &echoing{addr: l.Addr().String(), rt: rt}
	SpawnRemote(rt, EchoServer(l))
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := BlockOn(rt, Blocking(func() struct{} { <-over; return struct{}{} })); err != nil {
			t.Error(err)
		}
	}()
	e.stop = sync.OnceFunc(func() {
		close(over)
		<-ended
		for _, task := range rt.tasks {
			if h, ok := task.work.(*JoinHandle[struct{}]); ok {
				e.open = append(e.open, h.future.(*echoConnection))
			}
		}
	})
	t.Cleanup(e.stop)
	return e
}

// connect gives every client a deadline, after which it fails.
func (e *echoing) connect(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c.(*net.TCPConn)
}

func roundTrip(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v; want %q", got, err, text)
	}
}

func TestEchoSendsBackWhatComes(t *testing.T) {
	t.Parallel()
	e := startEcho(t)
	var clients []*net.TCPConn
	for range 100 {
		clients = append(clients, e.connect(t))
	}
	for range 3 {
		for i, c := range clients {
			roundTrip(t, c, strings.Repeat("x", 1+i))
		}
	}
}

// A client that does not read fills all buffers: the server can write only a
// part, and what it has read must survive until it can write the rest.
func TestEchoToASlowReaderLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEcho(t)
	c := e.connect(t)
	sent := make([]byte, 32<<20)
	for i := range sent {
		sent[i] = byte(i / 7)
	}
	full := make(chan struct{})
	go func() {
		n := 0
		for err := error(nil); err == nil; { // until the buffers are full
			c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			var m int
			m, err = c.Write(sent[n:min(n+65536, len(sent))])
			if n += m; n == len(sent) {
				break
			}
		}
		close(full)
		c.SetWriteDeadline(time.Now().Add(time.Minute))
		c.Write(sent[n:])
		c.CloseWrite()
	}()
	<-full
	roundTrip(t, e.connect(t), "the others are served meanwhile")
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes, %v; want the %d that were sent", len(got), err, len(sent))
	}
}

func TestEchoAnswersAClientThatHasFinishedSending(t *testing.T) {
	t.Parallel()
	e := startEcho(t)
	for range 50 {
		c := e.connect(t)
		io.WriteString(c, "and the rest")
		c.CloseWrite()
		if got, err := io.ReadAll(c); string(got) != "and the rest" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

func TestEchoSurvivesResets(t *testing.T) {
	t.Parallel()
	e := startEcho(t)
	other := e.connect(t)
	for range 50 {
		c := e.connect(t)
		c.SetLinger(0)
		c.Write(make([]byte, 1<<16))
		c.Close()
		roundTrip(t, other, "still there")
	}
}

func TestIdleEchoConnectionsHoldNoBuffer(t *testing.T) {
	t.Parallel()
	e := startEcho(t)
	const n = 20
	for range n {
		roundTrip(t, e.connect(t), "hello")
	}
	e.stop()
	if len(e.open) != n {
		t.Fatalf("%d connections are open, want %d", len(e.open), n)
	}
	for _, c := range e.open {
		if c.rest != nil {
			t.Error("a connection holds a buffer although it has nothing to send")
		}
		if on, err := unix.GetsockoptInt(c.stream.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on == 0 {
			t.Errorf("TCP_NODELAY is %d, %v, want it set", on, err)
		}
	}
}

// Property 29: this reader's peer is always faster.
func TestReaderThatAlwaysFindsMoreTakesTurns(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, peer)
	reads := 0
	SpawnRemote(rt, until(func(cx *Context) bool {
		for {
			if _, _, ready := s.PollRead(cx, make([]byte, 1)); !ready {
				return false
			}
			reads++
		}
	}))
	blockOn(t, rt, ready(1))
	if reads > transfersPerPoll {
		t.Errorf("another task had its turn after %d reads, want at most %d", reads, transfersPerPoll)
	}
	if n, _, _ := s.PollWrite(taskContext(rt), make([]byte, 1<<20)); n > 64<<10 {
		t.Errorf("one call has written %d bytes, want at most 64 KiB", n)
	}
}

// The address :8080 means all addresses of this machine, those of IPv4 too, even
// where a socket of IPv6 takes no others unless it's told to.
func TestWildcardTakesIPv4AndIPv6(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	at := addressFlag(flags, "127.0.0.1:8080")
	flags.Set("addr", ":0")
	l, err := Listen(rt, *at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	hosts := []string{"127.0.0.1"}
	if l.Addr().Addr().Is6() { // otherwise there's no IPv6
		hosts = append(hosts, "::1")
		if only, err := unix.GetsockoptInt(l.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err != nil || only != 0 {
			t.Errorf("IPV6_V6ONLY is %d, %v, want 0", only, err)
		}
	}
	for _, host := range hosts {
		c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(l.Addr().Port())))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if s := blockOn(t, rt, l.Accept()); s.Err != nil {
			t.Error(s.Err)
		} else {
			s.Value.Close()
		}
	}
}
