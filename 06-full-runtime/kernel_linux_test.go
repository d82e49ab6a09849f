package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Property 19.
func TestSignalDoesNotEndWait(t *testing.T) {
	hearOneByOne(t, 100, func() {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
		}
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			unix.Tgkill(unix.Getpid(), id, unix.SIGURG) // which Go takes for its own, and ignores
		}
	})
}

// Property 19: Ctrl-Z, and then fg, end a wait although no handler runs.
func TestStopAndContinueDoNotEndWait(t *testing.T) {
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
				t.Errorf("the child says %q", lines.Text())
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
	rt := openRuntime(t)
	in := streamOf(t, rt, 0)
	defer in.Close()
	for range bytes {
		if got := blockOn(t, rt, in.Read(make([]byte, 1))); got.Err != nil {
			t.Fatal(got.Err)
		}
		fmt.Println("heard")
	}
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

// limited is a future that is polled when the process may open nothing.
type limited struct {
	Future[Response]
	t             *testing.T
	before, after chan struct{}
}

func (l limited) Poll(cx *Context) (Response, bool) {
	<-l.before
	defer close(l.after)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		l.t.Error(err)
	}
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		l.t.Error(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return l.Future.Poll(cx)
}

// Property 11: running out of descriptors fails one request, not the program. The
// other request is under way and already has its descriptor.
func TestDescriptorLimitIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	before, after := make(chan struct{}), make(chan struct{})
	other := HTTPGet(startPeer(t, func(c *net.TCPConn) {
		close(before)
		<-after
		answer(hello)(c)
	}), "/")
	responses := runAll[Response](t, other, limited{HTTPGet(address(listen(t)), "/"), t, before, after})
	checkFault(t, Response{}, `^dial \S+: socket: too many open files`, responses[1])
	checkFault(t, helloResponse, "", responses[0])
	checkFault(t, helloResponse, "", runOne(t, HTTPGet(startPeer(t, answer(hello)), "/")))
}

// The kernel refuses only at its limits. strace(1) makes it refuse any call of
// the program as it is built, or be slow:
//
//	TUTORIAL_CHECK=ci go test -run Injected ./06-full-runtime
//
// strace counts the calls of each thread by itself, and Go moves the executor
// from one thread to another. The positions are such that they hit a
// connection on whichever thread it is, and nothing of Go's own.

// injection is a fault in some calls of each thread: of "2..8+3", the second,
// fifth and eighth.
type injection struct {
	call, fault, when string
	errno             unix.Errno // 0 if the call is only slow
}

func (i injection) String() string { return i.call + " " + i.fault + " " + i.when }

// waits is the call in which the runtime sleeps.
var waits = map[bool]string{true: "epoll_wait", false: "epoll_pwait"}[runtime.GOARCH == "amd64"]

var refusals = []unix.Errno{
	unix.EINTR, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS, unix.ECONNABORTED, unix.EPERM, unix.EPROTO,
}

// refused has a call fail with each error at each of the positions.
func refused(call string, positions ...string) (all []injection) {
	for _, errno := range refusals {
		for _, when := range positions {
			all = append(all, injection{call, "error=" + unix.ErrnoName(errno), when, errno})
		}
	}
	return all
}

// slow has every other of the calls take longer, before or after the kernel
// has done it.
func slow(calls ...string) (all []injection) {
	for _, call := range calls {
		all = append(all, injection{call, "delay_enter=3000", "1+2", 0}, injection{call, "delay_exit=3000", "1+2", 0})
	}
	return all
}

// loses says whether a connection is lost with the call. Others are made again,
// or what they are for stays in the kernel's queue.
func (i injection) loses() bool {
	switch i.call {
	case "accept4", waits:
		return false
	case "socket", "connect": // which a signal does not interrupt, or not like this
		return i.errno != 0
	}
	return i.errno != 0 && i.errno != unix.EINTR
}

// tracing returns the program, or skips the test where strace cannot trace it.
func tracing(t *testing.T) (program string) {
	t.Helper()
	if os.Getenv("TUTORIAL_CHECK") != "ci" {
		t.Skip("takes long: TUTORIAL_CHECK=ci runs it, and so does CI")
	}
	said, err := exec.Command("strace", "-D", "-f", "-o", os.DevNull, "--seccomp-bpf", "-e", "trace=close", "-e", "inject=close:delay_exit=1", "true").CombinedOutput()
	if (err != nil || len(said) > 0) && os.Getenv("CI") == "true" {
		t.Fatalf("strace: %v\n%s", err, said)
	} else if err != nil || len(said) > 0 {
		t.Skipf("strace: %v\n%s", err, said)
	}
	return buildProgram(t)
}

// traced is a command, and how many of its calls were hit so far.
func traced(t *testing.T, i injection, command ...string) (cmd *exec.Cmd, hits func() int) {
	t.Helper()
	if i.call == "epoll_pwait" && i.errno != 0 {
		t.Skip("here Go's own runtime sleeps in the same call, and dies of its failing")
	}
	log := filepath.Join(t.TempDir(), "calls")
	cmd = exec.Command("strace", append([]string{"-D", "-f", "-qq", "-o", log, "--seccomp-bpf", "-e", "signal=none",
		"-e", "trace=" + i.call, "-e", "inject=" + i.call + ":" + i.fault + ":when=" + i.when}, command...)...)
	return cmd, func() int {
		calls, _ := os.ReadFile(log)
		return bytes.Count(calls, []byte("(INJECTED)")) + bytes.Count(calls, []byte("(DELAYED)"))
	}
}

// An ask is a conversation with a server on a connection of its own.
type ask func(c net.Conn, text string) error

func askForEcho(c net.Conn, text string) error {
	io.WriteString(c, text)
	c.(*net.TCPConn).CloseWrite()
	return expectReply(c, text)
}

// askForPages asks twice; the second reply takes a timer.
func askForPages(c net.Conn, text string) error {
	io.WriteString(c, "GET /0/"+text+" HTTP/1.1\r\nHost: x\r\n\r\n")
	for got := ""; !strings.HasSuffix(got, "\r\n\r\n"+text); {
		buf := make([]byte, 1000)
		n, err := c.Read(buf)
		if got += string(buf[:n]); err != nil {
			return fmt.Errorf("after %q: %w", got, err)
		}
	}
	io.WriteString(c, "GET /1/"+text+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	return expectReply(c, "\r\n\r\n"+text)
}

func expectReply(c net.Conn, end string) error {
	got, err := io.ReadAll(c)
	if err == nil && !strings.HasSuffix(string(got), end) {
		err = fmt.Errorf("the reply is %q", got)
	}
	return err
}

// losses asks four times at once, again and again, until enough calls are hit.
// It returns how many of the conversations have failed.
func (p *process) losses(ask ask, hits func() int) (lost int) {
	var failed atomic.Int64
	const enough, atLeast, atMost = 3, 4, 100
	for round := 0; round < atLeast || hits() < enough; round++ {
		if round == atMost {
			p.t.Errorf("after %d rounds only %d calls were hit", round, hits())
			break
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				c, err := net.Dial("tcp", p.addr)
				if err == nil {
					c.SetDeadline(time.Now().Add(serveWatchdog))
					err = ask(c, fmt.Sprint(round, "-", i))
					c.Close()
				}
				if err != nil {
					failed.Add(1)
				}
			})
		}
		all.Wait()
	}
	return int(failed.Load())
}

// Each call that fails may cost the connection for which it was made, and no
// other. In the end the server drains as if nothing had happened.
func TestInjectedErrorIsOfOneConnection(t *testing.T) {
	program := tracing(t)
	// Of each thread's calls the first may not be a connection's: the first
	// write says where it listens, three epoll_ctl and up to eight read are for
	// the start.
	var injections []injection
	injections = append(injections, refused("accept4", "1..9+2", "2..8+3")...)
	injections = append(injections, refused("epoll_ctl", "4..10+2", "5..11+3")...)
	injections = append(injections, refused(waits, "1..9+2", "2..20+3")...)
	injections = append(injections, refused("read", "9..21+3", "10..16+2")...)
	injections = append(injections, refused("write", "2..8+2", "3..9+3")...)
	injections = append(injections, slow("accept4", "epoll_ctl", waits, "read", "write", "close")...)
	for _, i := range injections {
		t.Run("serve, "+i.String(), func(t *testing.T) {
			t.Parallel()
			cmd, hits := traced(t, i, program, "serve", "-addr", "127.0.0.1:0")
			p := startCommand(t, cmd)
			checkLosses(t, i, p.losses(askForPages, hits), hits())
			p.drain(i)
		})
		t.Run("echo, "+i.String(), func(t *testing.T) {
			t.Parallel()
			cmd, hits := traced(t, i, program, "echo", "-addr", "127.0.0.1:0")
			p := startCommand(t, cmd)
			checkLosses(t, i, p.losses(askForEcho, hits), hits())
			p.cmd.Process.Kill()
			if _, err := p.wait(); fmt.Sprint(err) != "signal: killed" {
				t.Errorf("it has ended before, with %v", err)
			}
		})
	}
}

func checkLosses(t *testing.T, i injection, lost, hits int) {
	t.Helper()
	most := 0
	if i.loses() {
		most = hits
	}
	t.Logf("%d connections were lost to %d faults", lost, hits)
	if lost > most {
		t.Errorf("want at most %d connections lost", most)
	}
}

var straceSays = regexp.MustCompile(`(?m)^strace: .*\n`) // on the stderr of the program

// drain interrupts the server, and expects that it drains. If writes fail, that
// of the bell may have: then it takes a connection to wake the server. And that
// of the last line: then there is only its status to see.
func (p *process) drain(i injection) {
	p.t.Helper()
	p.cmd.Process.Signal(os.Interrupt)
	unsure, ended := i.call == "write" && i.loses(), make(chan struct{})
	go func() { p.wait(); close(ended) }()
	for over := false; unsure && !over; {
		if c, err := net.Dial("tcp", p.addr); err == nil {
			c.Close()
		}
		select {
		case <-ended:
			over = true
		case <-time.After(acceptPause):
		}
	}
	rest, err := p.wait()
	if rest = straceSays.ReplaceAllString(rest, ""); err != nil || rest != drainedLine && !(unsure && rest == "") {
		p.t.Errorf("it ends with %v, and says %q", err, rest)
	}
}

// A request for which a call fails says so, in the words of the error.
func TestInjectedErrorIsOfOneRequest(t *testing.T) {
	program, page := tracing(t), startPages(t, "127.0.0.1:0")+"/hello"
	var injections []injection
	for _, call := range []string{"socket", "connect"} {
		injections = append(injections, refused(call, "2", "3..9+3")...)
	}
	injections = append(injections, refused("epoll_ctl", "3", "4..10+3")...)
	injections = append(injections, refused(waits, "1", "1..9+2")...)
	injections = append(injections, refused("read", "9", "10..14+2")...)
	injections = append(injections, injection{"write", "error=EINTR", "2..8+3", unix.EINTR}) // others may be of the output
	injections = append(injections, slow("socket", "connect", "epoll_ctl", waits, "read", "write", "close")...)
	for _, i := range injections {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			for range 10 { // it makes so few calls that all may be missed
				if hits := getTraced(t, i, program, page); hits > 0 {
					return
				}
			}
			t.Error("nothing was hit")
		})
	}
}

func getTraced(t *testing.T, i injection, program, page string) (hits int) {
	t.Helper()
	words := i.errno.Error()
	if i.call == "connect" && i.errno == unix.EINTR {
		words = "no complete reply within 1s" // strace has not made the call, so nobody will hear of it
	}
	if i.errno == 0 { // to look up the name, which ends in a wake from elsewhere
		page = strings.Replace(page, "127.0.0.1", "localhost", 1)
	}
	const requests = 10
	args := append([]string{program, "get", "-timeout", "1s"}, slices.Repeat([]string{page}, requests)...)
	cmd, hitsSoFar := traced(t, i, args...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	replies, failures := strings.Count(stdout.String(), page), 0
	for line := range strings.Lines(straceSays.ReplaceAllString(stderr.String(), "")) {
		if !strings.HasPrefix(line, "06-full-runtime: GET "+page+": ") || !strings.Contains(line, words) {
			t.Errorf("on stderr it says %q, want %q", line, words)
		}
		failures++
	}
	if status := cmd.ProcessState.ExitCode(); replies+failures != requests || status != min(failures, 1) {
		t.Errorf("status %d after %d replies and %d failures", status, replies, failures)
	}
	checkLosses(t, i, failures, hitsSoFar())
	return hitsSoFar()
}

// What cannot start says why, in one line.
func TestInjectedErrorAtTheStartIsSaid(t *testing.T) {
	program := tracing(t)
	for _, command := range []string{"serve -addr 127.0.0.1:0", "echo -addr 127.0.0.1:0", "get http://127.0.0.1:1/"} {
		for _, call := range []string{"epoll_create1", "eventfd2", "epoll_ctl", "socket", "setsockopt", "bind", "listen", "getsockname"} {
			if strings.HasPrefix(command, "get") && call == "socket" {
				break // the rest is of its request
			}
			t.Run(command+", "+call, func(t *testing.T) {
				t.Parallel()
				i := injection{call, "error=ENOMEM", "1+1", unix.ENOMEM}
				cmd, _ := traced(t, i, append([]string{program}, strings.Fields(command)...)...)
				said, _ := cmd.CombinedOutput()
				words := strings.TrimSuffix(call, "2") + ": cannot allocate memory\n"
				if status := cmd.ProcessState.ExitCode(); status != 1 || bytes.Count(said, []byte("\n")) != 1 ||
					!strings.HasPrefix(string(said), "06-full-runtime: ") || !strings.HasSuffix(string(said), words) {
					t.Errorf("status %d, and it says %q, want 1 and %q", status, said, words)
				}
			})
		}
	}
}

// Property 15: the read stops at the urgent byte, and what follows has no edge
// of its own.
func TestWhatFollowsUrgentDataIsRead(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	l := openListener(t, rt)
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s := blockOn(t, rt, l.Accept()).Value
	defer s.Close()
	cx := taskContext(rt)
	pollRead(s, cx, 10)
	conn, err := peer.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.Control(func(fd uintptr) {
		if _, err := unix.SendmsgN(int(fd), []byte("ab!"), nil, nil, unix.MSG_OOB); err != nil {
			t.Error(err)
		}
	})
	peer.Write([]byte("cd"))
	for !s.ready[readable] {
		deliver(t, rt)
	}
	first := pollRead(s, cx, 10)
	if second := pollRead(s, cx, 10); first != "ab" || second != "cd" {
		t.Errorf("read: %s, then %s, want ab, then cd", first, second)
	}
}
