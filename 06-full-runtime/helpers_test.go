package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return taskContext(openRuntime(t)) }

// taskContext is like that of a task of rt, with a waker that counts.
func taskContext(rt *Runtime) *Context {
	rt.budget = transfersPerPoll
	return &Context{waker: new(countedWaker), task: &Task{runtime: rt}}
}

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, each as a task of its own.
func runAll[T any](t *testing.T, futures ...Future[T]) (values []T) {
	t.Helper()
	rt, handles := openRuntime(t), make([]Future[Result[T]], len(futures))
	for i, f := range futures {
		handles[i] = Spawn(rt, f)
	}
	for _, result := range blockOn(t, rt, JoinAll(handles...)) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		values = append(values, result.Value)
	}
	return values
}

// openRuntime closes the runtime at the end of the test, when nothing may be left.
func openRuntime(t *testing.T) *Runtime {
	t.Helper()
	mustEnd(t)
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeEmpty(t, rt) })
	return rt
}

// bubbleRuntime is one without descriptors, whose clock is the bubble's.
func bubbleRuntime(t *testing.T) *Runtime {
	t.Helper()
	rt := newRuntime(newFakeQueue(t))
	t.Cleanup(func() { closeEmpty(t, rt) })
	return rt
}

// closeEmpty fails the test if rt has not given everything back.
func closeEmpty(t *testing.T, rt *Runtime) {
	t.Helper()
	if left := rt.Close(); left != (Report{}) && !t.Failed() {
		t.Errorf("Close has left behind: %+v", left)
	}
}

// blockOn fails the test if f ends without a value.
func blockOn[T any](t *testing.T, rt *Runtime, f Future[T]) T {
	t.Helper()
	value, err := BlockOn(rt, f)
	if err != nil {
		t.Fatalf("BlockOn fails: %v", err)
	}
	return value
}

// mustEnd ends the process with the stacks of all goroutines if the test does
// not end: it would be of no use to wait for it.
func mustEnd(t *testing.T) {
	late := time.AfterFunc(20*time.Second, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("%s hangs. All goroutines:\n%s", t.Name(), stacks[:runtime.Stack(stacks, true)]))
	})
	t.Cleanup(func() { late.Stop() })
}

// inBubble runs a test whose clock stands still while anybody can go on. If
// nobody can, and nothing will happen any more, the test fails at once.
func inBubble(t *testing.T, test func(t *testing.T, rt *Runtime)) {
	mustEnd(t)
	synctest.Test(t, func(t *testing.T) { test(t, bubbleRuntime(t)) })
}

// pollFunc is a future made of its Poll.
type pollFunc[T any] func(*Context) (T, bool)

func (f pollFunc[T]) Poll(cx *Context) (T, bool) { return f(cx) }

// until is a future without a value.
func until(poll func(cx *Context) (ready bool)) Future[struct{}] {
	return pollFunc[struct{}](func(cx *Context) (struct{}, bool) { return struct{}{}, poll(cx) })
}

// ready is a future of a value that is there.
func ready[T any](value T) Future[T] {
	return pollFunc[T](func(*Context) (T, bool) { return value, true })
}

// never is a future that waits for something outside, and counts.
type never struct{ polls, closes int }

func (n *never) Poll(cx *Context) (struct{}, bool) {
	n.polls++
	cx.Waker()
	return struct{}{}, false
}

func (n *never) Close() error {
	n.closes++
	return nil
}

// wakeFunc is a Waker made of its Wake.
type wakeFunc func()

func (f wakeFunc) Wake() { f() }

// countedWaker counts its wakes.
type countedWaker struct{ wakes atomic.Int64 }

func (w *countedWaker) Wake() { w.wakes.Add(1) }

func wakesOf(cx *Context) int64 { return cx.waker.(*countedWaker).wakes.Load() }

// wantPanic fails the test unless f panics with the words.
func wantPanic(t *testing.T, words string, f func()) {
	t.Helper()
	defer func() {
		if got := recover(); got != words {
			t.Errorf("the panic says %v, want %q", got, words)
		}
	}()
	f()
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

// openStream returns a Stream of rt, and the other end of it, which is closed
// at the end of the test.
func openStream(t *testing.T, rt *Runtime) (s *Stream, peer int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	s = streamOf(t, rt, pair[0])
	t.Cleanup(func() {
		s.Close()
		unix.Close(pair[1])
	})
	return s, pair[1]
}

// streamOf makes a Stream of a descriptor.
func streamOf(t *testing.T, rt *Runtime, fd int) *Stream {
	t.Helper()
	s := &Stream{source: source{fd: fd, ready: interest{true, true}}, reactor: &rt.reactor, peer: netip.MustParseAddrPort("127.0.0.1:1")}
	if err := rt.reactor.add(&s.source); err != nil {
		t.Fatal(err)
	}
	return s
}

// send makes the other end of fd readable.
func send(t *testing.T, fd int) {
	t.Helper()
	if _, err := retry(unix.Write, fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

// fill writes until fd is writable no more.
func fill(t *testing.T, fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = retry(unix.Write, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

// drain reads all that is there, so that the other end can be written again.
func drain(t *testing.T, fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = retry(unix.Read, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

// deliver hands out the events that there are.
func deliver(t *testing.T, rt *Runtime) {
	t.Helper()
	events, err := rt.reactor.queue.wait(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		rt.reactor.deliver(ev)
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

// scriptedQueue is the kernel's queue of a runtime that never sleeps. When it
// would, step lets others do something, until that makes an event.
type scriptedQueue struct {
	queue
	t       *testing.T
	runtime *Runtime
	step    func(timeout time.Duration) (more bool)
}

func (q *scriptedQueue) wait(timeout time.Duration) ([]event, error) {
	for {
		events, err := q.queue.wait(0)
		if timeout == 0 || len(events) > 0 || err != nil {
			return events, err
		}
		q.check()
		if !q.step(timeout) {
			q.t.Error("nothing more will happen, and somebody waits")
			return nil, unix.EBADF // ends BlockOn
		}
		if timeout > 0 {
			return nil, nil // some of it has passed
		}
	}
}

// check fails the test if somebody waits for what is there already.
func (q *scriptedQueue) check() {
	for _, s := range q.runtime.reactor.sources {
		if s == nil || s.wakers == [2]Waker{} {
			continue
		}
		fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN | unix.POLLOUT}}
		unix.Poll(fds, 0)
		for dir, ready := range []int16{unix.POLLIN, unix.POLLOUT} {
			if s.wakers[dir] != nil && fds[0].Revents&ready != 0 {
				q.t.Errorf("no event has told the %s of %d that it can go on", []string{"reader", "writer"}[dir], s.fd)
			}
		}
	}
}

// scriptedRuntime is one whose kernel is real, and whose time is step's.
func scriptedRuntime(t *testing.T, step func(timeout time.Duration) (more bool)) *Runtime {
	t.Helper()
	q, err := openQueue()
	if err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(nil)
	rt.reactor.queue = &scriptedQueue{q, t, rt, step}
	t.Cleanup(func() { closeEmpty(t, rt) })
	return rt
}
