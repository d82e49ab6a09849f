package main

import (
	"fmt"
	"net/netip"
	"runtime"
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
