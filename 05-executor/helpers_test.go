package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// watched is a reactor for what runs within a time limit.
func watched(t *testing.T) *Reactor {
	t.Helper()
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() { // else it may be stuck
			within(t, "Close", func() { r.Close() })
		}
	})
	return r
}

// idleReactor is one whose goroutine does not run: the test itself waits.
func idleReactor(t *testing.T) *Reactor {
	return &Reactor{poller: openTestPoller(t), waiting: make(map[int]waiters)}
}

func contextOf(r *Reactor) *Context { return &Context{waker: NewParker(), reactor: r} }

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return contextOf(watched(t)) }

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, each as a task of its own.
func runAll[T any](t *testing.T, futures ...Future[T]) []T {
	t.Helper()
	e, values := NewExecutor(watched(t)), make([]T, len(futures))
	for i, f := range futures {
		Spawn(e, storeResult[T]{f, &values[i]})
	}
	within(t, "Run", e.Run)
	return values
}

// runToEnd polls f until its value is there, by the means of this chapter.
func runToEnd[T any](r *Reactor, f Future[T]) (value T) {
	e := NewExecutor(r)
	Spawn(e, storeResult[T]{f, &value})
	e.Run()
	return value
}

// pollFunc is a future made of its Poll.
type pollFunc[T any] func(*Context) (T, bool)

func (f pollFunc[T]) Poll(cx *Context) (T, bool) { return f(cx) }

// wakeFunc is a Waker made of its Wake.
type wakeFunc func()

func (f wakeFunc) Wake() { f() }

// mustEnd ends the process with the stacks of all goroutines if the test does
// not end: it would be of no use to wait for it.
func mustEnd(t *testing.T) { mustEndWithin(t, 10*time.Second) }

func mustEndWithin(t *testing.T, d time.Duration) {
	late := time.AfterFunc(d, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("%s hangs. All goroutines:\n%s", t.Name(), stacks[:runtime.Stack(stacks, true)]))
	})
	t.Cleanup(func() { late.Stop() })
}

// inBubble runs a test whose clock stands still while anybody can go on. If
// nobody can, and nothing will happen any more, the test fails at once.
func inBubble(t *testing.T, test func(t *testing.T)) {
	mustEnd(t)
	synctest.Test(t, test)
}

// openReactor closes the reactor at the end of the test.
func openReactor(t *testing.T) *Reactor {
	t.Helper()
	mustEnd(t)
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// openPair returns two connected sockets; on neither does a call wait.
func openPair(t *testing.T) (fd, peer int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return pair[0], pair[1]
}

// send makes the other end of fd readable.
func send(t *testing.T, fd int) {
	t.Helper()
	if _, err := ignoringEINTR(unix.Write, fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

var patience = 10 * time.Second // after which a test says that something hangs

// within fails the test if f does not return, or panics.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	over := make(chan struct{})
	var failure any
	var stack []byte
	go func() {
		defer close(over)
		defer func() {
			if failure = recover(); failure != nil {
				stack = debug.Stack()
			}
		}()
		f()
	}()
	select {
	case <-over:
		if failure != nil {
			t.Fatalf("%s panics: %v\n%s", what, failure, stack)
		}
	case <-time.After(patience):
		t.Fatalf("%s hangs: it is not over after %v", what, patience)
	}
}

// eventually fails the test if the condition does not come true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("after %v it is still not so that %s", patience, what)
		}
	}
}

// noLeaks fails the test if it leaves a goroutine or a descriptor behind. Call
// it first: it looks when all that the test has opened should be closed.
func noLeaks(t *testing.T) {
	t.Helper()
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close() // Go's own poller stays open from now on
	}
	goroutines, open := runtime.NumGoroutine(), descriptors()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
		for name := range descriptors() {
			if !open[name] {
				t.Errorf("%s is still open", name)
			}
		}
	})
}

// descriptors are what the process has open, such as "socket:[4711]": nothing
// where there is no /proc.
func descriptors() map[string]bool {
	open := make(map[string]bool)
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil {
			open[name] = true
		}
	}
	return open
}

// startPeer accepts connections until the test ends, lets play have each, and
// then closes it.
func startPeer(t *testing.T, play func(c *net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, late := listen(t), time.Now().Add(patience)
	var peers sync.WaitGroup
	peers.Go(func() {
		for c, err := l.AcceptTCP(); err == nil; c, err = l.AcceptTCP() {
			c.SetDeadline(late)
			peers.Go(func() {
				defer c.Close()
				play(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		if !t.Failed() {
			within(t, "the peer", peers.Wait)
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// answer makes a peer that reads the request, and then writes the parts.
func answer(parts ...string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		readRequest(c)
		for _, part := range parts {
			io.WriteString(c, part)
		}
	}
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func readRequest(c net.Conn) string {
	var request []byte
	buf := make([]byte, 1<<16)
	for !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
		n, err := c.Read(buf)
		if request = append(request, buf[:n]...); err != nil {
			break
		}
	}
	return string(request)
}

// untilClosed returns when the other side has closed the connection.
func untilClosed(c net.Conn) { io.Copy(io.Discard, c) }

// reset makes the Close that follows a reset.
func reset(c *net.TCPConn) { c.SetLinger(0) }

// A script is what the other end of a connection does, step by step. The ends
// are a pair of Unix sockets, and both are on the goroutine of the test: what
// one does, the other finds at once, so the same steps are always the same
// order of events. A step is a letter:
//
//	s  sends a byte     h  reads a byte     f  has finished sending
//	S  sends 64         H  reads 4096       r  resets the connection
//	t  lets the end under test have a turn
//	w  lets a millisecond pass, where a test has a clock
//	i  interrupts the next call of the end under test
//	m  lets that move one byte
//
// Only some bits of a letter count, so that all bytes are a script. After the
// last step it sends and reads what is left, and finishes.
type script struct {
	fd, tested int    // the two ends
	steps      string // to come
	wire       string // to be sent
	said       string // has been sent
	request    string // of the end under test, or "": its last byte is never read
	heard      []byte // of it
	asked      bool   // all of it had come when the connection was reset
	end        error  // nil, io.EOF when it has finished, or ECONNRESET
	pause      func() // for w, or nil

	interrupted, minced bool // the next call
}

func newScript(t *testing.T, wire, steps string) *script {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{fd: pair[0], tested: pair[1], wire: wire, steps: steps}
	for _, fd := range pair {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	// As small as the kernel makes it: what is longer is written in parts.
	if err := unix.SetsockoptInt(s.tested, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err)
	}
	meddle = s.meddle
	t.Cleanup(func() {
		meddle = leaveAlone
		if s.end != unix.ECONNRESET {
			unix.Close(s.fd)
		}
	})
	return s
}

// run makes the steps up to the next turn of the end under test. It says
// whether there was anything to do.
func (s *script) run() (moved bool) {
	for len(s.steps) > 0 {
		moved = true
		step := s.steps[0]
		s.steps = s.steps[1:]
		capital := step&('a'-'A') == 0
		switch step & 7 {
		case 's' & 7:
			s.say(size(capital, 64))
		case 'h' & 7:
			s.hear(size(capital, 4096))
		case 'f' & 7:
			s.finish()
		case 'r' & 7:
			s.reset()
		case 't' & 7:
			return moved
		case 'w' & 7:
			if s.pause != nil {
				s.pause()
			}
		case 'i' & 7:
			s.interrupted = true
		case 'm' & 7:
			s.minced = true
		}
	}
	moved = s.say(len(s.wire)) || moved
	moved = s.hear(1<<16) || moved
	return s.wire == "" && s.finish() || moved
}

func size(capital bool, many int) int {
	if capital {
		return many
	}
	return 1
}

func (s *script) say(n int) (moved bool) {
	if s.end != nil {
		return false
	}
	n, _ = ignoringEINTR(unix.Write, s.fd, []byte(s.wire[:min(n, len(s.wire))]))
	s.said, s.wire = s.said+s.wire[:n], s.wire[n:]
	return n > 0
}

func (s *script) hear(n int) (moved bool) {
	if s.request != "" {
		n = min(n, len(s.request)-1-len(s.heard))
	}
	if s.end == unix.ECONNRESET {
		return false
	}
	p := make([]byte, n)
	n, _ = ignoringEINTR(unix.Read, s.fd, p)
	s.heard = append(s.heard, p[:n]...)
	return n > 0
}

func (s *script) finish() (moved bool) {
	if s.end != nil {
		return false
	}
	unix.Shutdown(s.fd, unix.SHUT_WR)
	s.end = io.EOF
	return true
}

// reset closes a connection on which something has not been read: that is what
// makes it a reset.
func (s *script) reset() {
	if s.end != nil {
		return
	}
	if s.request != "" {
		s.hear(len(s.request))
		n, _, _ := unix.Recvfrom(s.fd, make([]byte, 1), unix.MSG_PEEK)
		s.asked = n == 1 && len(s.heard) == len(s.request)-1
	}
	unix.Close(s.fd)
	s.end = unix.ECONNRESET
}

// meddle says how many of n bytes the next call may move, or how it fails.
func (s *script) meddle(fd, n int) (most int, err error) {
	if fd != s.tested {
		return n, nil
	}
	if s.interrupted {
		s.interrupted = false
		return 0, unix.EINTR
	}
	if s.minced {
		s.minced = false
		return min(n, 1), nil
	}
	return n, nil
}

// meddle is asked before each read and write, but only in the copies of the
// chapters that fuzz_test.go in the root makes. The kernel interrupts no call
// on demand, and a chapter has no hook for it.
var meddle = leaveAlone

func leaveAlone(_, n int) (most int, err error) { return n, nil }

// response is what net/http makes of what was said, and of how that ended.
func (s *script) response(t *testing.T) Response {
	t.Helper()
	if !strings.HasPrefix(s.request, string(s.heard)) {
		t.Errorf("the request comes as %q", s.heard)
	}
	if s.end == nil {
		t.Errorf("after %q it was over, although the other end had not finished", s.said)
		return Response{}
	}
	if s.end == unix.ECONNRESET && !s.asked {
		return Response{Err: errors.New("reset before the request had come")}
	}
	r := bufio.NewReader(io.MultiReader(strings.NewReader(s.said), failing{s.end}))
	head, err := http.ReadResponse(r, nil)
	for err == nil && head.StatusCode < 200 && head.StatusCode != http.StatusSwitchingProtocols {
		head, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		return Response{Err: err}
	}
	body, err := io.ReadAll(head.Body)
	return Response{Status: head.StatusCode, Body: string(body), Err: err}
}

// failing is a reader of nothing.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
