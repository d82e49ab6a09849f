package checks

import (
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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel refuses only at its limits. strace(1) makes it refuse any call of
// the program as it is built, or be slow:
//
//	TUTORIAL_CHECK=ci go test -run Injected ./internal/checks
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
	return buildChapter06(t)
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
					c.SetDeadline(time.Now().Add(watchdog))
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
	for name, errno := range map[string]unix.Errno{"EIO": unix.EIO, "ENETDOWN": unix.ENETDOWN, "EOPNOTSUPP": unix.EOPNOTSUPP} { // unusual ones
		injections = append(injections, injection{"accept4", "error=" + name, "2..8+3", errno})
	}
	injections = append(injections, refused("epoll_ctl", "4..10+2", "5..11+3")...)
	injections = append(injections, refused(waits, "1..9+2", "2..20+3")...)
	injections = append(injections, refused("read", "9..21+3", "10..16+2")...)
	injections = append(injections, refused("write", "2..8+2", "3..9+3")...)
	injections = append(injections, slow("accept4", "epoll_ctl", waits, "read", "write", "close")...)
	for _, i := range injections {
		t.Run("serve, "+i.String(), func(t *testing.T) {
			t.Parallel()
			cmd, hits := traced(t, i, program, "serve", "-addr", "127.0.0.1:0")
			p := startProcess(t, cmd)
			checkLosses(t, i, p.losses(askForPages, hits), hits())
			p.drain(i)
		})
		t.Run("echo, "+i.String(), func(t *testing.T) {
			t.Parallel()
			cmd, hits := traced(t, i, program, "echo", "-addr", "127.0.0.1:0")
			p := startProcess(t, cmd)
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

// What the program may say before its last line.
var (
	troubleLine  = regexp.MustCompile(`(?m)^accept at \S+, again every 20ms: .*\n`)
	drainingLine = regexp.MustCompile(`(?m)^draining, requests under way: .*\n`)
)

const drainedLine = "drained: 0 tasks, 0 timers, 0 descriptors\n"

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
		case <-time.After(20 * time.Millisecond):
		}
	}
	rest, err := p.wait()
	rest = drainingLine.ReplaceAllString(straceSays.ReplaceAllString(rest, ""), "")
	reports := troubleLine.FindAllString(rest, -1)
	if rest = troubleLine.ReplaceAllString(rest, ""); err != nil || rest != drainedLine && !(unsure && rest == "") {
		p.t.Errorf("it ends with %v, and says %q", err, rest)
	}
	if i.call == "accept4" {
		again := i.errno == 0 || slices.Contains([]unix.Errno{unix.EINTR, unix.ECONNABORTED, unix.EPROTO}, i.errno)
		if again == (len(reports) > 0) {
			p.t.Errorf("it reports %q, want a report of errors that come again, and of no others", reports)
		}
	}
}

// A request for which a call fails says so, in the words of the error.
func TestInjectedErrorIsOfOneRequest(t *testing.T) {
	program := tracing(t)
	page := "http://" + startProcess(t, exec.Command(program, "serve", "-addr", "127.0.0.1:0")).addr + "/0/hello"
	var injections []injection
	for _, call := range []string{"socket", "connect"} {
		injections = append(injections, refused(call, "2", "3..9+3")...)
	}
	for _, when := range []string{"2", "3..9+3"} { // from the kernel it means that no local port is free
		injections = append(injections, injection{"connect", "error=EAGAIN", when, unix.EAGAIN})
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
		words = "no complete reply within 1s" // strace hasn't made the call, so it never ends
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
