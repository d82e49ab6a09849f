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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return taskContext(openRuntime(t)) }

// taskContext is like the Context of a task of rt, but its waker only counts.
func taskContext(rt *Runtime) *Context {
	rt.budget = transfersPerPoll
	return &Context{waker: new(countedWaker), task: &Task{runtime: rt}}
}

// runOne polls f until it's ready.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures until all are ready, each as a task of its own.
func runAll[T any](t *testing.T, futures ...Future[T]) (values []T) {
	t.Helper()
	rt, handles := openRuntime(t), make([]Future[Result[T]], len(futures))
	for i, f := range futures {
		handles[i] = SpawnRemote(rt, f)
	}
	for _, result := range blockOn(t, rt, JoinAll(handles...)) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		values = append(values, result.Value)
	}
	return values
}

// openRuntime closes the runtime at the end of the test. By then nothing may be
// left in it.
func openRuntime(t *testing.T) *Runtime {
	t.Helper()
	mustEnd(t)
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	watchOver(t, rt)
	return rt
}

// bubbleRuntime is a runtime without descriptors. Its clock is the bubble's.
func bubbleRuntime(t *testing.T) *Runtime {
	t.Helper()
	rt := newRuntime(newFakePoller(t))
	watchOver(t, rt)
	return rt
}

// watchOver fails the test if rt reports an error or has something left at the
// end. A test that expects reports sets rt.Trace.Error: see reportsOf.
func watchOver(t *testing.T, rt *Runtime) {
	rt.Trace.Error = func(err error) { t.Errorf("the runtime reports: %v", err) }
	t.Cleanup(func() { closeEmpty(t, rt) })
}

// reportsOf collects what rt reports from now on, without the stacks.
func reportsOf(rt *Runtime) *[]string {
	var mu sync.Mutex
	all := new([]string)
	rt.Trace.Error = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		line, _, _ := strings.Cut(err.Error(), "\n")
		*all = append(*all, line)
	}
	return all
}

// wantReport fails the test unless there's one report: that the task failed.
func wantReport(t *testing.T, reports *[]string, task, failure string) {
	t.Helper()
	if all := *reports; len(all) != 1 || !strings.Contains(all[0], task+":") || !strings.HasSuffix(all[0], failure) {
		t.Errorf("reported: %q, want one report: of %s, %s", all, task, failure)
	}
}

// closeEmpty fails the test if rt hasn't given everything back.
func closeEmpty(t *testing.T, rt *Runtime) {
	t.Helper()
	if left := rt.Close(); left != (Report{}) && !t.Failed() {
		t.Errorf("after Close this is left: %+v", left)
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

// mustEnd ends the process with the stacks of all goroutines if the test hangs.
// The other tests couldn't run after that anyway.
func mustEnd(t *testing.T) {
	late := time.AfterFunc(20*time.Second, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("%s hangs. All goroutines:\n%s", t.Name(), stacks[:runtime.Stack(stacks, true)]))
	})
	t.Cleanup(func() { late.Stop() })
}

// inBubble runs a test in a bubble of testing/synctest. Its clock moves on only
// when every goroutine waits. If they all wait forever, the test fails at once.
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

// ready is a future whose value is there.
func ready[T any](value T) Future[T] {
	return pollFunc[T](func(*Context) (T, bool) { return value, true })
}

// never is a future that is never ready, and counts. It's also a value, to see
// how often it's closed.
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

// waitingFor counts the wakers that wait for descriptors.
func waitingFor(rt *Runtime) (n int) {
	for _, s := range rt.reactor.sources {
		for dir := range 2 {
			if s != nil && s.wakers[dir] != nil {
				n++
			}
		}
	}
	return n
}

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

// openPair returns two connected, non-blocking sockets, which are closed at the
// end of the test.
func openPair(t *testing.T) (fd, peer int) {
	t.Helper()
	fd, peer = socketPair(t)
	t.Cleanup(func() {
		unix.Close(fd)
		unix.Close(peer)
	})
	return fd, peer
}

func socketPair(t *testing.T) (fd, peer int) {
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
	return pair[0], pair[1]
}

// openStream returns a Stream of rt and its peer, and closes both at the end of
// the test.
func openStream(t *testing.T, rt *Runtime) (s *Stream, peer int) {
	t.Helper()
	fd, peer := socketPair(t)
	s = streamOf(t, rt, fd)
	t.Cleanup(func() {
		s.Close()
		unix.Close(peer)
	})
	return s, peer
}

// streamOf makes a Stream of a descriptor.
func streamOf(t *testing.T, rt *Runtime, fd int) *Stream {
	t.Helper()
	s := &Stream{source: source{fd: fd, ready: directions{true, true}}, reactor: &rt.reactor, peer: netip.MustParseAddrPort("127.0.0.1:1")}
	if err := rt.reactor.addSource(&s.source); err != nil {
		t.Fatal(err)
	}
	return s
}

// sendByte makes the other end of fd readable.
func sendByte(t *testing.T, fd int) {
	t.Helper()
	if _, err := ignoringEINTR(unix.Write, fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

// fill writes until there's no room left.
func fill(t *testing.T, fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = ignoringEINTR(unix.Write, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

// drain reads all that is there, so that the other end has room again.
func drain(t *testing.T, fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = ignoringEINTR(unix.Read, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

// deliver takes the events that are there and delivers them.
func deliver(t *testing.T, rt *Runtime) {
	t.Helper()
	events, err := rt.reactor.poller.wait(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		rt.reactor.deliver(ev, &rt.Trace)
	}
}

var patience = 10 * time.Second // after which a test counts as hanging

// within fails the test if f panics or hangs.
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

// eventually fails the test if the condition doesn't come true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("after %v this is still not true: %s", patience, what)
		}
	}
}

// noLeaks fails the test if it leaves a goroutine or a descriptor behind. Call
// it first, so that it looks last, when everything should be closed.
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

// descriptors lists what the process has open, such as "socket:[4711]". Where
// there's no /proc, the list is empty.
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

// startPeer accepts connections until the test ends. It hands each to play, and
// closes it afterwards.
func startPeer(t *testing.T, play func(c *net.TCPConn)) netip.AddrPort {
	t.Helper()
	l := listen(t)
	var peers sync.WaitGroup
	peers.Go(func() {
		for c, err := l.AcceptTCP(); err == nil; c, err = l.AcceptTCP() {
			c.SetDeadline(time.Now().Add(patience))
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

// answer makes a peer that reads the request and then writes the parts.
func answer(parts ...string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		readRequest(c)
		for _, part := range parts {
			io.WriteString(c, part)
		}
	}
}

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

// scriptedPoller asks the kernel, but never sleeps. Where a poller would sleep,
// step lets the other ends of the connections do something, until there's an
// event.
type scriptedPoller struct {
	poller
	t       *testing.T
	runtime *Runtime
	step    func(timeout time.Duration) (more bool)
}

func (p *scriptedPoller) wait(timeout time.Duration) ([]event, error) {
	for {
		events, err := p.poller.wait(0)
		if timeout == 0 || len(events) > 0 || err != nil {
			return events, err
		}
		p.check()
		if !p.step(timeout) {
			p.t.Error("nothing more will happen, and a task still waits")
			return nil, unix.EBADF // ends BlockOn
		}
		if timeout > 0 {
			return nil, nil // some of it has passed
		}
	}
}

// check fails the test if a waker waits for something that is there already.
func (p *scriptedPoller) check() {
	for _, s := range p.runtime.reactor.sources {
		if s == nil || s.wakers == [2]Waker{} {
			continue
		}
		fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN | unix.POLLOUT}}
		unix.Poll(fds, 0)
		for dir, ready := range []int16{unix.POLLIN, unix.POLLOUT} {
			if s.wakers[dir] != nil && fds[0].Revents&ready != 0 {
				p.t.Errorf("descriptor %d is ready, but no event has woken its %s", s.fd, []string{"reader", "writer"}[dir])
			}
		}
	}
}

// scriptedRuntime has a real kernel, but step decides how time passes.
func scriptedRuntime(t *testing.T, step func(timeout time.Duration) (more bool)) *Runtime {
	t.Helper()
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(nil)
	rt.reactor.poller = &scriptedPoller{p, t, rt, step}
	watchOver(t, rt)
	return rt
}
