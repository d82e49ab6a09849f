package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// output runs f, and returns what it prints on standard output and on standard error.
func output(t *testing.T, f func()) (stdout, stderr string) {
	t.Helper()
	files := [2]*os.File{}
	for i := range files {
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files[i] = file
	}
	before := [2]*os.File{os.Stdout, os.Stderr}
	os.Stdout, os.Stderr = files[0], files[1]
	defer func() { os.Stdout, os.Stderr = before[0], before[1] }()
	f()
	printed := [2]string{}
	for i, file := range files {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		printed[i] = string(text)
	}
	return printed[0], printed[1]
}

var story = []string{
	"executor", // polls the task
	"task",     // pending
	"executor", // parks
	"peer",     // writes
	"reactor",  // has an event
	"reactor",  // wakes the task
	"executor", // unparks
	"executor", // polls the task
	"task",     // is ready
}

func TestNarrationIsAlwaysTheSame(t *testing.T) {
	r := openReactor(t)
	for range 50 {
		told, _ := output(t, func() { narrate(r) })
		var speakers []string
		for _, line := range strings.Split(strings.TrimSpace(told), "\n") {
			speakers = append(speakers, strings.Fields(line)[0])
		}
		if diff := cmp.Diff(story, speakers); diff != "" {
			t.Fatalf("the narration has another order (-want +got):\n%s\n%s", diff, told)
		}
	}
}

// Properties 16 and 26: one event is one wake, and one wake is one poll.
func TestTraceOfOneTaskIsAlwaysTheSame(t *testing.T) {
	r := openReactor(t)
	want := []string{"poll", "pending", "park", "woken", "unpark", "poll", "ready"}
	for range 50 {
		fd, peer := openPair(t)
		events := make(chan string, 100)
		e := NewExecutor(r)
		e.Trace = func(step string, _ *Task) {
			events <- step
			if step == "park" {
				send(t, peer) // not earlier, or the event could come at any time
			}
		}
		Spawn(e, word{fd})
		e.Run()
		close(events)
		var got []string
		for event := range events {
			got = append(got, event)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the events have another order (-want +got):\n%s", diff)
		}
	}
}

// startWeb starts net/http's server, so that the other end isn't our own code.
func startWeb(t *testing.T, addr string) (hostPort string) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip(err) // this machine has no IPv6
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /short", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 { // more than one segment, and chunked
			io.WriteString(w, strings.Repeat("x", 1000))
		}
	})
	mux.HandleFunc("GET /huge", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2_000_000)) })
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

var polls = regexp.MustCompile(` +\d+ polls`)

// fetched returns what fetch prints, with N instead of each number of polls.
func fetched(t *testing.T, args ...string) (stdout []string, stderr string, exit int) {
	t.Helper()
	r := openReactor(t)
	out, stderr := output(t, func() { exit = fetch(r, args) })
	if out != "" {
		stdout = strings.Split(strings.TrimSpace(polls.ReplaceAllString(out, " N polls")), "\n")
	}
	return stdout, stderr, exit
}

func TestFetchPrintsALinePerReply(t *testing.T) {
	web := startWeb(t, "127.0.0.1:0")
	got, stderr, exit := fetched(t, web+"/short", web+"/long", web+"/missing")
	want := []string{
		"200        5 bytes N polls  " + web + "/short",
		"200  1000000 bytes N polls  " + web + "/long",
		"404       19 bytes N polls  " + web + "/missing",
	}
	if diff := cmp.Diff(want, got); diff != "" || exit != 0 || stderr != "" {
		t.Errorf("exit status %d, want 0; standard error %q, want none; standard output (-want +got):\n%s", exit, stderr, diff)
	}
}

func TestFetchFromIPv6(t *testing.T) {
	web := startWeb(t, "[::1]:0")
	got, stderr, exit := fetched(t, web+"/short")
	want := []string{"200        5 bytes N polls  " + web + "/short"}
	if diff := cmp.Diff(want, got); diff != "" || exit != 0 {
		t.Errorf("exit status %d, want 0; standard error %q, want none; standard output (-want +got):\n%s", exit, stderr, diff)
	}
}

func TestFetchWithAFailureServesTheOthersAndExitsWith1(t *testing.T) {
	_, addr := bound(t)
	web, refusing := startWeb(t, "127.0.0.1:0"), addr.String()
	got, stderr, exit := fetched(t, refusing+"/x", web+"/short")
	want := []string{"200        5 bytes N polls  " + web + "/short"}
	if diff := cmp.Diff(want, got); diff != "" || exit != 1 {
		t.Errorf("exit status %d, want 1; standard output (-want +got):\n%s", exit, diff)
	}
	if !strings.Contains(stderr, refusing) || !strings.Contains(stderr, "refused") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("standard error is %q, want one line, with the address that refused", stderr)
	}
}

func TestFetchTakesNoNames(t *testing.T) {
	web := startWeb(t, "127.0.0.1:0")
	for _, target := range []string{"localhost:80/x", "http://127.0.0.1:80/x", "127.0.0.1/x", ""} {
		got, stderr, exit := fetched(t, web+"/short", target)
		if exit != 2 || len(got) > 0 {
			t.Errorf("%q: exit status %d and standard output %q, want 2 and nothing", target, exit, got)
		}
		if !strings.Contains(stderr, "numeric address") || !strings.Contains(stderr, "chapter 06") {
			t.Errorf("%q: standard error is %q, want it to say that names come in chapter 06", target, stderr)
		}
	}
}

// Go's own runtime may need descriptors too, when it collects garbage. This test runs the
// built program, because a test binary has timers from the start.
func TestFetchAtItsLimitOfDescriptorsGoesOn(t *testing.T) {
	noLeaks(t)
	program := filepath.Join(t.TempDir(), "05-executor")
	if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	web := startWeb(t, "127.0.0.1:0")
	targets := slices.Repeat([]string{web + "/huge"}, 40)
	cmd := exec.Command("sh", append([]string{"-c", `ulimit -n 20 && exec "$0" "$@"`, program}, targets...)...)
	cmd.Env = append(os.Environ(), "GOGC=10") // collect garbage often
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	got := strings.Count(stdout.String(), "200  2000000 bytes")
	failed := strings.Count(stderr.String(), "start: socket: too many open files (ulimit -n shows and raises the limit)\n")
	if exit := cmd.ProcessState.ExitCode(); exit != 1 || got == 0 || got+failed != len(targets) {
		t.Errorf("exit status %d, %d replies and %d failures, want 1, and a reply or a failure for each of %d; standard error is %.1000s",
			exit, got, failed, len(targets), &stderr)
	}
}

// crowdVariable makes the test binary the server of a crowd, in a process that has a
// descriptor limit of its own. Its value is the size of the crowd.
const crowdVariable = "CROWD"

// TestCrowdServer isn't a test but that server. It answers when all clients have asked,
// and sends each the path that it asked for.
func TestCrowdServer(t *testing.T) {
	var crowd int
	if _, err := fmt.Sscan(os.Getenv(crowdVariable), &crowd); err != nil {
		t.Skip("this is the server of TestTenThousandConnectionsAtOnce")
	}
	go func() { // until the test ends, however it ends
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	listener := listen(t)
	fmt.Println(listener.Addr())
	var asked sync.WaitGroup
	asked.Add(crowd)
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go answerTogether(conn, &asked)
	}
}

func answerTogether(conn net.Conn, asked *sync.WaitGroup) {
	defer conn.Close()
	fields := strings.Fields(readRequest(conn))
	if len(fields) < 2 {
		return
	}
	path := fields[1]
	asked.Done()
	asked.Wait()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
}

// startCrowdServer starts TestCrowdServer in a process of its own.
func startCrowdServer(t *testing.T, crowd int) netip.AddrPort {
	t.Helper()
	server := exec.Command(os.Args[0], "-test.run=^TestCrowdServer$")
	server.Env = append(os.Environ(), fmt.Sprint(crowdVariable, "=", crowd))
	server.Stderr = os.Stderr
	stdin, _ := server.StdinPipe()
	stdout, _ := server.StdoutPipe()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		server.Wait()
	})
	var addr string
	if _, err := fmt.Fscan(stdout, &addr); err != nil {
		t.Fatal(err)
	}
	return netip.MustParseAddrPort(addr)
}

// hearing is a future that's ready when it has read so many bytes, or has failed.
type hearing struct {
	fd, bytes int
	heard     chan struct{}
}

func newHearing(fd, bytes int) *hearing { return &hearing{fd, bytes, make(chan struct{}, bytes)} }

func (h *hearing) Poll(cx *Context) (error, bool) {
	for h.bytes > 0 {
		_, err := ignoringEINTR(unix.Read, h.fd, make([]byte, 1))
		if err == unix.EAGAIN {
			err = cx.WakeWhenReadable(h.fd)
			return err, err != nil
		}
		if err != nil {
			return err, true
		}
		h.bytes--
		h.heard <- struct{}{}
	}
	cx.Deregister(h.fd)
	return nil, true
}

// hearOneByOne runs a hearing to its end. It calls beforeEach and sends a byte, each time
// that the byte before has been read.
func hearOneByOne(t *testing.T, bytes int, beforeEach func()) (polls int) {
	t.Helper()
	fd, peer := openPair(t)
	h, over := newHearing(fd, bytes), make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for range bytes {
			beforeEach()
			ignoringEINTR(unix.Write, peer, []byte("x"))
			select {
			case <-h.heard:
			case <-over:
				return
			}
		}
	})
	if err := runOne(t, Counted[error](h, &polls)); err != nil {
		t.Error(err)
	}
	close(over)
	sender.Wait()
	return polls
}

// Property 19.
func TestSignalDoesNotEndWait(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a signal to a single thread is for Linux only")
	}
	hearOneByOne(t, 3000, func() {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
		}
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			unix.Kill(id, unix.SIGURG) // Go takes this signal for its own, and ignores it
		}
	})
}

// Property 19: Ctrl-Z and then fg end a wait, even though the program doesn't handle them.
func TestStopAndContinueDoNotEndWait(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux do they interrupt a wait")
	}
	const rounds, asChild = 20, "WAIT_FOR_STANDARD_INPUT"
	noLeaks(t)
	if os.Getenv(asChild) != "" {
		waitForStandardInput(t, rounds)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestStopAndContinueDoNotEndWait$", "-test.count=1")
	child.Env = append(os.Environ(), asChild+"=yes")
	child.Stderr = os.Stderr
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	within(t, "the child", func() {
		for range rounds {
			child.Process.Signal(unix.SIGSTOP)
			child.Process.Signal(unix.SIGCONT)
			in.Write([]byte("x"))
			if !lines.Scan() || lines.Text() != "heard" {
				t.Errorf("the child says %q, want heard", lines.Text())
				break
			}
		}
		for lines.Scan() {
		}
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func waitForStandardInput(t *testing.T, bytes int) {
	if err := unix.SetNonblock(0, true); err != nil {
		t.Fatal(err)
	}
	h := newHearing(0, bytes)
	var report sync.WaitGroup
	report.Go(func() {
		for range h.heard {
			fmt.Println("heard")
		}
	})
	if err := runOne(t, h); err != nil {
		t.Error(err)
	}
	close(h.heard)
	report.Wait()
}

// reactors counts the goroutines of reactors, including those on their last step.
func reactors() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), ".(*Reactor).run(")
}

// Property 31. By then the goroutine is usually in the kernel, where it's hard to end.
func TestCloseEndsTheGoroutine(t *testing.T) {
	for range 20 {
		r := openReactor(t)
		fd, peer := openPair(t)
		send(t, peer)
		p := NewParker()
		register(t, r, fd, readable, p)
		p.Park()
		time.Sleep(time.Millisecond)
		r.Close()
	}
	eventually(t, "no reactor's goroutine is left", func() bool { return reactors() == 0 })
}

// Property 31.
func TestCloseGivesBackEveryDescriptor(t *testing.T) {
	openReactor(t).Close() // Go's own descriptors are open now
	before := descriptors()
	for range 10 {
		openReactor(t).Close()
	}
	if diff := cmp.Diff(before, descriptors()); diff != "" {
		t.Errorf("descriptors after ten reactors were opened and closed (-before +after):\n%s", diff)
	}
}

// Property 31: a thread that's left in the kernel can't be used for anything else.
func TestCloseGivesBackTheThread(t *testing.T) {
	threads := pprof.Lookup("threadcreate")
	before := threads.Count()
	const rounds = 100
	for range rounds {
		openReactor(t).Close()
	}
	if started := threads.Count() - before; started >= rounds/2 {
		t.Errorf("%d threads were started for %d reactors, one after the other, want fewer than half as many", started, rounds)
	}
}

// Property 31: by then, the numbers belong to other sockets.
func TestSecondCloseLeavesTheDescriptorsOfOthersOpen(t *testing.T) {
	r := openReactor(t)
	r.Close()
	a, b := openPair(t)
	c, d := openPair(t)
	r.Close()
	for _, fd := range []int{a, b, c, d} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			t.Errorf("the second Close closed descriptor %d, which was opened after the first: %v", fd, err)
		}
	}
}

// Close promises that the reactor has ended, also to the second caller.
func TestSecondCloseReturnsAfterTheReactorHasEnded(t *testing.T) {
	openReactor(t).Close()
	before := descriptors()
	r := openReactor(t)
	go r.Close()
	r.Close()
	if diff := cmp.Diff(before, descriptors()); diff != "" {
		t.Errorf("descriptors after the second Close (-before NewReactor +after):\n%s", diff)
	}
}

// The shell calls a program by its name, and PATH=. leads to it; exec.Command refuses that.
func TestProgramIsCalledByNameThenItFindsItself(t *testing.T) {
	was := os.Args[0]
	defer func() { os.Args[0] = was }()
	os.Args[0] = "05-executor"
	_, stop := startDelayServer()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
