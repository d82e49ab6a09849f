// Where a comment says "Property 5", .github/CONTRIBUTING.md has the whole sentence.

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

// watched returns a reactor for tests that set a time limit with within.
func watched(t *testing.T) *Reactor {
	t.Helper()
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() { // after a failure, Close may hang
			within(t, "Close", func() { r.Close() })
		}
	})
	return r
}

// idleReactor returns a reactor whose goroutine isn't running, so that the test itself
// can wait for events.
func idleReactor(t *testing.T) *Reactor {
	return &Reactor{poller: openTestPoller(t), waiting: make(map[int]waiters)}
}

func contextOf(r *Reactor) *Context { return &Context{waker: NewParker(), reactor: r} }

// newContext returns a Context for tests that poll by hand.
func newContext(t *testing.T) *Context { return contextOf(watched(t)) }

// runOne runs f until it's ready, and returns its value.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll runs the futures side by side, and returns their values.
func runAll[T any](t *testing.T, futures ...Future[T]) (values []T) {
	t.Helper()
	r := watched(t)
	within(t, "BlockOn", func() { values = BlockOn(r, JoinAll(futures...)) })
	return values
}

// runToEnd runs f in the way of this chapter, and returns its value.
func runToEnd[T any](r *Reactor, f Future[T]) T { return BlockOn(r, f) }

// pollFunc is a future made from its Poll method.
type pollFunc[T any] func(*Context) (T, bool)

func (f pollFunc[T]) Poll(cx *Context) (T, bool) { return f(cx) }

// wakeFunc is a Waker made from its Wake method.
type wakeFunc func()

func (f wakeFunc) Wake() { f() }

// mustEnd ends the process, and prints the stacks of all goroutines, if the test hangs.
func mustEnd(t *testing.T) { mustEndWithin(t, 10*time.Second) }

func mustEndWithin(t *testing.T, d time.Duration) {
	late := time.AfterFunc(d, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("%s hangs. All goroutines:\n%s", t.Name(), stacks[:runtime.Stack(stacks, true)]))
	})
	t.Cleanup(func() { late.Stop() })
}

// inBubble runs a test whose clock stands still while any of its goroutines can run. If
// all of them are blocked forever, the test fails at once.
func inBubble(t *testing.T, test func(t *testing.T)) {
	mustEnd(t)
	synctest.Test(t, test)
}

// openReactor returns a reactor that's closed at the end of the test.
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

// openPair returns two connected sockets, both non-blocking.
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

// send writes a byte to fd, which makes the other end readable.
func send(t *testing.T, fd int) {
	t.Helper()
	if _, err := ignoringEINTR(unix.Write, fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

var patience = 10 * time.Second // how long a test waits before it says that something hangs

// within fails the test if f panics, or doesn't return in time.
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
		t.Fatalf("%s hangs: it isn't over after %v", what, patience)
	}
}

// eventually fails the test if the condition doesn't become true in time.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("gave up after %v, still waiting until %s", patience, what)
		}
	}
}

// noLeaks fails the test if it leaves a goroutine or a descriptor behind. Call it first,
// so that it looks last, when everything that the test opened should be closed.
func noLeaks(t *testing.T) {
	t.Helper()
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close() // this opens Go's own poller, which stays open
	}
	goroutines, open := runtime.NumGoroutine(), descriptors()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
		// A goroutine of an earlier test may have been counted too. Then one of this
		// test may still be about to close what it has opened.
		var left string
		for range 1000 {
			left = ""
			for name := range descriptors() {
				if !open[name] {
					left = name
				}
			}
			if left == "" {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Errorf("the test left %s open", left)
	})
}

// descriptors returns the names of what the process has open, such as "socket:[4711]".
// It returns none where there is no /proc.
func descriptors() map[string]bool {
	open := make(map[string]bool)
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil {
			for open[name] { // every epoll has the same name
				name += "+"
			}
			open[name] = true
		}
	}
	return open
}

// startPeer accepts connections until the test ends. It hands each to play, and closes it
// when play returns.
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

// answer returns a peer that reads the request and then writes the parts.
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

// reset turns the Close that follows into a reset of the connection.
func reset(c *net.TCPConn) { c.SetLinger(0) }

// A script is what the other end of a connection does, step by step. The two ends
// are a pair of Unix sockets, and the test's goroutine handles both. What one end
// does, the other sees at once, so the same steps always give the same order of
// events. Each step is a letter:
//
//	s  sends a byte     h  reads a byte     f  finishes sending
//	S  sends 64         H  reads 4096       r  resets the connection
//	t  lets the end under test have a turn
//	w  lets a millisecond pass, if the test has a clock
//	i  interrupts the next call of the end under test
//	m  lets the next call of the end under test move only one byte
//
// Only some bits of a letter count, so that any string of bytes is a script. After
// the last step, the script sends and reads whatever is left, and finishes.
type script struct {
	fd, tested int    // the two ends
	steps      string // the steps that are still to come
	wire       string // what is still to be sent
	said       string // what has been sent
	request    string // what the end under test sends, or ""; its last byte is never read
	heard      []byte // what has been read of the request
	asked      bool   // whether the whole request had arrived before the reset
	end        error  // nil, then io.EOF after finish or ECONNRESET after reset
	pause      func() // for w, or nil

	interrupted, minced bool // what happens to the next call of the end under test
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
	// The buffer is as small as the kernel allows, so longer data is written in parts.
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

// run makes the steps up to the next turn of the end under test. It reports whether
// there was anything to do.
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

// reset closes the connection while something on it is still unread, which makes the
// kernel send a reset.
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

// meddle returns how many of n bytes the next call may move, or how it fails.
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

// meddle is called before each read and write, but only in the copies of the chapters
// that internal/checks/fuzz_test.go builds. The kernel doesn't interrupt calls on
// demand, and the chapters have no hook for it.
var meddle = leaveAlone

func leaveAlone(_, n int) (most int, err error) { return n, nil }

// response returns what net/http makes of what was sent, and of how it ended.
func (s *script) response(t *testing.T) Response {
	t.Helper()
	if !strings.HasPrefix(s.request, string(s.heard)) {
		t.Errorf("of the request, %q has arrived, want the beginning of %q", s.heard, s.request)
	}
	if s.end == nil {
		t.Errorf("the request was over after %q, but the other end hadn't finished sending", s.said)
		return Response{}
	}
	if s.end == unix.ECONNRESET && !s.asked {
		return Response{Err: errors.New("reset before the request had arrived")}
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

// failing is a reader that always fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
