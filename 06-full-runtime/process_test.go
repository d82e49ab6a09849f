package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// process is the program as its user has it.
type process struct {
	*serving
	cmd  *exec.Cmd
	wait func() (rest string, err error) // returns what it has said after its first line, on stderr too
}

func startProcess(t *testing.T, flags string) *process {
	t.Helper()
	return startCommand(t, programCommand("serve -addr 127.0.0.1:0 "+flags))
}

// buildProgram makes the program that its user has: it has none of the tests'
// timers and descriptors.
func buildProgram(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "06-full-runtime")
	if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return path
}

var firstLine = regexp.MustCompile(`^(?:listening on http://|echo listens at )(\S+)\n$`)

// startCommand starts a server, and waits until it says where it listens.
func startCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	output, err := cmd.StdoutPipe()
	cmd.Stderr = cmd.Stdout
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(3*serveWatchdog, func() { cmd.Process.Signal(syscall.SIGQUIT) })
	lines := bufio.NewReader(output)
	first, _ := lines.ReadString('\n')
	p := &process{serving: &serving{t: t}, cmd: cmd}
	p.wait = sync.OnceValues(func() (string, error) {
		rest, _ := io.ReadAll(lines)
		err := cmd.Wait()
		late.Stop()
		return string(rest), err
	})
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		if rest, err := p.wait(); t.Failed() {
			t.Logf("the process has ended with %v, and said %.5000s", err, rest)
		}
	})
	said := firstLine.FindStringSubmatch(first)
	if said == nil {
		t.Fatalf("its first line is %q", first)
	}
	p.addr = said[1]
	return p
}

const drainingLine = "draining, requests under way: 1; Ctrl-C again cuts them off\n"

const drainedLine = "drained: 0 tasks, 0 timers, 0 descriptors\n"

// interrupt ends the process, and expects that it says no more than that.
func (p *process) interrupt(sig os.Signal, want string) {
	p.t.Helper()
	p.cmd.Process.Signal(sig)
	if rest, err := p.wait(); err != nil || rest != want {
		p.t.Errorf("it ends with %v and says %q, want %q", err, rest, want)
	}
}

func TestInterruptDrains(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := startProcess(t, "")
		idle, late := p.dial().send(getHello), p.dial().send(getHello+"GET /300/late HTTP/1.1\r\nHost: x\r\n\r\n")
		idle.expect(200, "hello")
		late.expect(200, "hello")
		p.cmd.Process.Signal(sig)
		idle.expectEnd()
		late.expect(200, "late")
		late.expectEnd()
		late.Close()
		if rest, err := p.wait(); err != nil || rest != drainingLine+drainedLine {
			t.Errorf("%v: it ends with %v and says %q", sig, err, rest)
		}
	}
}

func TestInterruptOfServerWithoutClients(t *testing.T) {
	startProcess(t, "").interrupt(os.Interrupt, drainedLine)
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	p := startProcess(t, "-grace 10m")
	late := p.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n")
	idle := p.dial().send(getHello)
	idle.expect(200, "hello") // by now the late one is being served
	p.cmd.Process.Signal(os.Interrupt)
	idle.expectEnd() // so the first has arrived
	p.cmd.Process.Signal(os.Interrupt)
	if rest, err := p.wait(); err == nil || rest != "" && rest != drainingLine {
		t.Errorf("it ends with %v and says %q", err, rest)
	}
	late.Close()
}

func TestGracePeriodOfTheProcessEnds(t *testing.T) {
	p := startProcess(t, "-grace 50ms")
	c := p.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n")
	p.dial().send(getHello).expect(200, "hello")
	p.interrupt(syscall.SIGTERM, drainingLine+"connections cut off after 50ms: 1\n"+drainedLine)
	c.expectEnd()
}

func needDescriptors(t *testing.T, connections uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) < connections+200 {
		t.Skipf("at most %d descriptors (%v): ulimit -n raises that", limit.Cur, err)
	}
}

// TestTenThousandIdleConnections asks on each connection, lets them be, and
// asks on each again.
func TestTenThousandIdleConnections(t *testing.T) {
	const connections = 10_000
	needDescriptors(t, connections)
	p := startCommand(t, exec.Command(buildProgram(t), "serve", "-addr", "127.0.0.1:0", "-idle", "10m"))
	p.dial().send(getHello).expect(200, "hello")
	before := p.resident()
	clients := make([]net.Conn, connections)
	for i := range clients {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
	}
	for round := range 2 {
		for i, c := range clients {
			c.SetDeadline(time.Now().Add(serveWatchdog))
			fmt.Fprintf(c, "GET /0/%d-%d HTTP/1.1\r\nHost: x\r\n\r\n", round, i)
		}
		buf := make([]byte, 1000)
		for i, c := range clients {
			if n, err := c.Read(buf); err != nil || !strings.HasSuffix(string(buf[:n]), fmt.Sprintf("\r\n\r\n%d-%d", round, i)) {
				t.Fatalf("connection %d is answered %q, %v", i, buf[:n], err)
			}
		}
		each := (p.resident() - before) / connections
		t.Logf("%d bytes of resident memory for each connection", each)
		if each > 4<<10 {
			t.Error("that is more than 4 KiB")
		}
	}
	p.interrupt(os.Interrupt, drainedLine)
}

// resident returns the bytes of memory that the process has, 0 without /proc.
func (p *process) resident() (bytes int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if _, rss, ok := strings.Cut(string(status), "VmRSS:"); ok {
		kib, err := strconv.Atoi(strings.Fields(rss)[0])
		if err != nil {
			p.t.Fatal(err)
		}
		bytes = kib << 10
	}
	return bytes
}

// inLimit is the program in a process that may open 32 descriptors.
func inLimit(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command("sh", append([]string{"-c", `ulimit -n 32 && exec "$0" "$@"`, buildProgram(t)}, args...)...)
}

// Property 39, in a process of its own: twice as many clients as descriptors.
// Those who are in are served, with garbage collected meanwhile: Go's runtime
// may need descriptors for that too. Those who are not wait, and cost next to
// nothing. Each has its reply in the end.
func TestServerAtItsLimitOfDescriptorsServesAll(t *testing.T) {
	t.Parallel()
	cmd := inLimit(t, "serve", "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "GOGC=10") // garbage is collected often
	p := startCommand(t, cmd)
	watcher, clients := p.dial(), make([]*client, 64)
	for i := range clients {
		clients[i] = p.dial().send(fmt.Sprintf("GET /0/%d HTTP/1.1\r\nHost: x\r\n\r\n", i))
	}
	next, first := watcher.live(), clients[0]
	first.expect(200, "0")
	for in, before := 0, -1; in != before; in, before = next().Connections, in {
	}

	long := strings.Repeat("x", 60_000)
	for range 40 {
		first.send("GET /0/"+long+" HTTP/1.1\r\nHost: x\r\n\r\n").expect(200, long)
	}

	polls, start := next().Polls, time.Now()
	polls = next().Polls - polls
	if most := 10 + 2*int(time.Since(start)/acceptPause); polls > most {
		t.Errorf("%d polls in %v at the limit, want at most %d", polls, time.Since(start), most)
	}

	first.Close()
	for i, c := range clients[1:] { // each that leaves makes room for another one
		c.expect(200, fmt.Sprint(i+1))
		c.Close()
	}
	p.interrupt(os.Interrupt, fmt.Sprintf("accept at %s, again every %v: too many open files\n%s", p.addr, acceptPause, drainedLine))
}

func TestGetAtItsLimitOfDescriptorsSaysHowToRaiseIt(t *testing.T) {
	t.Parallel()
	url := startPages(t, "127.0.0.1:0") + "/slow"
	cmd := inLimit(t, "get", "-n", "64", url)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	var ok, failed int
	fmt.Sscanf(stdout.String(), "64 requests: %d ok, %d failed", &ok, &failed)
	if status := cmd.ProcessState.ExitCode(); status != 1 || ok == 0 || failed == 0 || ok+failed != 64 {
		t.Errorf("status %d, and it says %q; want 1, some of 64 ok, some not", status, &stdout)
	}
	want := fmt.Sprintf(`^06-full-runtime: GET %s: dial \S+: socket: too many open files \(ulimit -n shows and raises the limit\) \(%d of 64\)\n$`, url, failed)
	if !regexp.MustCompile(want).MatchString(stderr.String()) {
		t.Errorf("on stderr it says %q, want what matches %s", &stderr, want)
	}
}

func TestOneConnectionTooManyWaitsForAPlace(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Connections = 2 })
	a, b := s.dial(), s.dial()
	a.send(getHello).expect(200, "hello")
	b.send(getHello).expect(200, "hello")
	waits := s.dial().send(getHello)
	waits.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := waits.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Fatalf("got %d bytes and %v, with no place free", n, err)
	}
	waits.SetReadDeadline(time.Now().Add(serveWatchdog))
	a.send(getHello).expect(200, "hello")
	b.Close()
	waits.expect(200, "hello")
}

// figures are what the page is sent.
type figures struct {
	Tasks, Timers, Descriptors, Connections, Limit, Busy, Replies, Polls, Wakes, Parks int

	Seconds float64
	Newest  [][5]any // ID, what it waits for, polls, the longest one, age
}

const getLive = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"

// live asks for the figures, and returns what reads the next ones.
func (c *client) live() (next func() figures) {
	c.t.Helper()
	r, err := http.ReadResponse(c.send(getLive).r, nil)
	if err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/event-stream" {
		c.t.Fatalf("got %+v, %v", r, err)
	}
	return func() (f figures) {
		c.t.Helper()
		text, err := c.r.ReadString('\n')
		end, _ := c.r.ReadString('\n')
		text, ok := strings.CutPrefix(text, "data: ")
		if failure := json.Unmarshal([]byte(text), &f); failure != nil || !ok || end != "\n" {
			c.t.Fatalf("%v, %v in %q, %q", err, failure, text, end)
		}
		return f
	}
}

func TestFiguresAreOfThisRuntime(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Grace, o.Write = time.Millisecond, 50*time.Millisecond })
	r := s.dial().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect(200, "/live")
	if r.Header.Get("Content-Type") != "text/html; charset=utf-8" || r.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the page has the header %v", r.Header)
	}
	s.dial().send("GET /60000/x HTTP/1.1\r\nHost: x\r\n\r\n")
	s.dial().send(getHello).expect(200, "hello")
	next := s.dial().live()
	for range 3 { // -write limits each event, and not the stream
		got := next()
		if got.Polls <= 0 || got.Wakes <= 0 || got.Parks <= 0 || got.Replies <= 0 || got.Seconds <= 0 {
			t.Errorf("some of these figures aren't more than 0: %+v", got)
		}
		want := figures{Tasks: 6, Timers: 3, Descriptors: 5, Connections: 4, Limit: defaultOptions.Connections, Busy: 1}
		if counted := (figures{got.Tasks, got.Timers, got.Descriptors, got.Connections, got.Limit, got.Busy, 0, 0, 0, 0, 0, nil}); !reflect.DeepEqual(counted, want) {
			t.Errorf("got  %+v\nwant %+v", counted, want)
		}
		for i, what := range []string{"nothing", "input, a timer", "a timer", "input, a timer", "input", "a blocking call"} {
			if row := got.Newest[i]; row[0] != float64(6-i) || row[1] != what || row[2].(float64) < 1 || row[3].(float64) > min(row[4].(float64), 0.9) {
				t.Errorf("row %d of the tasks is %v, want task %d, which waits for %s", i, row, 6-i, what)
			}
		}
	}
}

// The page is only for this machine: no other site may read it or press its buttons,
// not even a site whose name leads here.
func TestOnlyOurPageHasFiguresAndButtons(t *testing.T) {
	s, public := startServer(t, nil), startProcess(t, "-addr 0.0.0.0:0")
	port := s.addr[strings.LastIndex(s.addr, ":"):]
	for header, status := range map[string]int{
		"Host: " + s.addr:                                         0,
		"Host: localhost" + port:                                  0,
		"Host: [::1]:80":                                          0,
		"Host: 127.0.0.1":                                         0,
		"Host: example.com" + port:                                403,
		"Host: 192.0.2.1" + port:                                  403,
		"Host: localhost.example.com" + port:                      403,
		"Host: " + s.addr + "\r\nOrigin: http://" + s.addr:        0,
		"Host: " + s.addr + "\r\nOrigin: http://localhost" + port: 403,
		"Host: " + s.addr + "\r\nOrigin: https://" + s.addr:       403,
		"Host: " + s.addr + "\r\nOrigin: http://127.0.0.1:1":      403,
		"Host: " + s.addr + "\r\nOrigin: null":                    403,
		"Host: " + s.addr + "\r\nSec-Fetch-Site: same-origin":     0,
		"Host: " + s.addr + "\r\nSec-Fetch-Site: same-site":       403,
		"Host: " + s.addr + "\r\nSec-Fetch-Site: cross-site":      403,
	} {
		for request, ok := range map[string]int{"GET /live": 200, "POST /sleep": 202} {
			want := status
			if status == 0 {
				want = ok
			}
			for server, want := range map[*serving]int{s: want, public.serving: 403} {
				c := server.dial().send(request + " HTTP/1.1\r\n" + header + "\r\n\r\n")
				if r, err := http.ReadResponse(c.r, nil); err != nil || r.StatusCode != want {
					t.Errorf("%s, %q: got %+v, %v, want %d", request, header, r, err, want)
				}
				c.Close()
			}
		}
	}
	public.dial().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect(200, "loopback")
	public.interrupt(os.Interrupt, drainedLine)
}

func TestDrainEndsTheFiguresAtOnce(t *testing.T) {
	p := startProcess(t, "")
	c := p.dial()
	next := c.live()
	next()
	next() // so the one after it is a second away
	p.interrupt(os.Interrupt, drainedLine)
	c.expectEnd()
}

func TestWorkThatThePageStarts(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "")
	next := p.dial().live()
	c := p.dial()
	start := func(path string) {
		c.send("POST "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n").expect(202, "started")
	}
	start("/sleep")
	start("/requests")
	f := next()
	for most := 0; most < 1000 || f.Tasks > 4; most = max(most, f.Tasks) {
		if f = next(); len(f.Newest) != min(f.Tasks, 50) {
			t.Errorf("%d rows of %d tasks", len(f.Newest), f.Tasks)
		}
	}
	for slowest, before, late := 0., f, false; !late || slowest < 0.5; before = f {
		if before.Tasks <= 4 { // none has been started, or a busy machine began it after the tick
			start("/block")
		}
		f = next()
		late = late || f.Seconds-before.Seconds > 1.2
		for _, row := range f.Newest {
			slowest = max(slowest, row[3].(float64))
		}
	}
}

func TestManyClientsOfNetHTTP(t *testing.T) {
	s := startServer(t, nil)
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				want := fmt.Sprint(i, "-", j)
				r, err := (&http.Client{Transport: transport}).Get(fmt.Sprintf("http://%s/%d/%s", s.addr, j%3, want))
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != want {
					t.Errorf("got %q and %v, want %q", body, err, want)
				}
				r.Body.Close()
			}
		})
	}
	all.Wait()
}

// Property 19.
func TestSignalDoesNotEndWait(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("without /proc we don't know the threads that may wait")
	}
	hearOneByOne(t, 1000, func() {
		threads, _ := os.ReadDir("/proc/self/task")
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			unix.Kill(id, unix.SIGURG) // Go takes this signal for its own, and ignores it
		}
	})
}

// hearOneByOne reads bytes from a peer that sends the next one when the one
// before was heard.
func hearOneByOne(t *testing.T, bytes int, beforeEach func()) {
	t.Helper()
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	heard := make(chan struct{})
	go func() {
		for range bytes {
			beforeEach()
			ignoringEINTR(unix.Write, peer, []byte("x"))
			<-heard
		}
	}()
	for range bytes {
		if got := blockOn(t, rt, s.Read(make([]byte, 1))); got.Err != nil {
			t.Fatal(got.Err)
		}
		heard <- struct{}{}
	}
}

// Between two requests a connection has neither a coroutine nor buffers.
func TestIdleConnectionHoldsNoWorker(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	c := (&serving{t: t, addr: l.Addr().String()}).dial()
	blockOn(t, rt, Async(func(co *Co) int {
		s := newServer(co.cx, l, defaultOptions)
		for range 3 {
			c.send(getHello)
			for before := s.replies; s.replies == before || s.busy() > 0; {
				Await(co, Sleep(time.Millisecond))
			}
			c.expect(200, "hello")
		}
		if len(s.conns) != 1 || len(s.free) != 1 {
			t.Errorf("%d connections, %d free workers, want one of each: the connection is idle, and they serve it in turns", len(s.conns), len(s.free))
		}
		return Await(co, s.drain())
	}))
}

// Property 12: no signal ends the process.
func TestWriteToPeerThatIsGoneIsAnError(t *testing.T) {
	fd, peer := socketPair(t)
	defer unix.Close(fd)
	unix.Close(peer)
	if _, err := ignoringEINTR(unix.Write, fd, []byte("hello")); err != unix.EPIPE {
		t.Errorf("got %v, want %v", err, unix.EPIPE)
	}
}
