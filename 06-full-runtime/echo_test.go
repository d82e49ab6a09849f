package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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

// Each connection has had an exchange by then.
func TestIdleEchoConnectionTakes300Bytes(t *testing.T) {
	const first, n = 100, 1300 // the first ones make the queues
	rt := openRuntime(t)
	var fds [n]int
	for i := range fds {
		fds[i] = openBusySocket(t, 2*n)
	}
	var before uint64
	for i, fd := range fds {
		if i == first {
			before = heapInUse()
		}
		SpawnRemote[struct{}](rt, &echoConnection{stream: streamOf(t, rt, fd)})
		blockOn(t, rt, until(func(cx *Context) bool {
			wakeLocal(cx.waker)
			return waitingFor(rt) == i+1
		}))
	}
	if each := (heapInUse() - before) / (n - first); each > 300 {
		t.Errorf("an idle connection takes %d bytes", each)
	}
}

// openBusySocket returns one from which can be read. The number of its peer is
// larger than high, so that others as small as with a peer elsewhere are free.
func openBusySocket(t *testing.T, high int) (fd int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := unix.FcntlInt(uintptr(pair[1]), unix.F_DUPFD, high)
	unix.Close(pair[1])
	if err == nil {
		t.Cleanup(func() { unix.Close(peer) })
		sendByte(t, peer)
		err = unix.SetNonblock(pair[0], true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair[0]
}

// Property 42: both relays leave the list that they wait in.
func TestRelaysCloseWhatTheyWaitFor(t *testing.T) {
	for name, relay := range map[string]func(in, out *Channel[int]) Future[int]{"hand": RelayHand, "await": RelayAwait} {
		inBubble(t, func(t *testing.T, rt *Runtime) {
			in, out := NewChannel[int](1), NewChannel[int](1)
			blockOn(t, rt, Async(func(co *Co) int {
				task := Spawn(co.cx, relay(in, out)) // waits for in
				Await(co, Yield())
				task.Cancel()
				if got := Await(co, task); got.Err != ErrCancelled {
					t.Errorf("%s: cancelled, it ends with %v", name, got.Err)
				}
				task = Spawn(co.cx, relay(in, out)) // will wait for out, which is full
				Await(co, out.Send(0))
				Await(co, in.Send(1))
				for range 3 {
					Await(co, Yield())
				}
				task.Cancel()
				Await(co, task)
				return 1
			}))
			emptyLists(t, in)
			emptyLists(t, out)
		})
	}
}
