package main

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests look at what the whole process has allocated, so they aren't
// parallel.

// newTestRuntime fails the test if something is left in the runtime at the end.
func newTestRuntime(t *testing.T) *Runtime {
	t.Helper()
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := rt.Close(); left != (Report{}) {
			t.Errorf("left behind: %+v", left)
		}
	})
	return rt
}

func runUntil(t *testing.T, rt *Runtime, f Future[struct{}]) {
	t.Helper()
	if _, err := BlockOn(rt, f); err != nil {
		t.Fatal(err)
	}
}

// waiting counts the streams that a task wants to read from.
func waiting(rt *Runtime) (n int) {
	for _, s := range rt.reactor.sources {
		if s != nil && s.wakers[readable] != nil {
			n++
		}
	}
	return n
}

// Steps that a busy program makes all the time allocate nothing.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var s sleep
	defer s.Close()
	body := Async(func(co *Co) struct{} {
		for {
			co.suspend()
		}
	})
	asked, answers := make(chan Waker), make(chan struct{})
	defer close(asked)
	go func() {
		for w := range asked {
			w.Wake()
			answers <- struct{}{}
		}
	}()
	for what, step := range map[string]func(cx *Context){
		"a poll, and a wake from inside": func(cx *Context) { wakeLocal(cx.waker) },
		"a wake by any goroutine":        func(cx *Context) { cx.Waker().Wake() },
		"a wake from a goroutine":        func(cx *Context) { asked <- cx.Waker(); <-answers },
		"a yield":                        func(cx *Context) { new(yield).Poll(cx) },
		"a timer that fires": func(cx *Context) {
			s = sleep{d: 1}
			s.Poll(cx)
		},
		"a switch to a coroutine and back": func(cx *Context) {
			body.Poll(cx)
			wakeLocal(cx.waker)
		},
	} {
		if n := allocations(t, step); n > 0 {
			t.Errorf("%s allocates %d times", what, n)
		}
	}
	Close(body)
}

// allocations returns how often a step allocates, each the poll of a task.
func allocations(t *testing.T, step func(cx *Context)) uint64 {
	t.Helper()
	const before, steps = 1000, 10_000
	var start, end runtime.MemStats
	polls := 0
	runUntil(t, newTestRuntime(t), until(func(cx *Context) bool {
		switch polls++; polls {
		case before:
			runtime.ReadMemStats(&start)
		case before + steps:
			runtime.ReadMemStats(&end)
			return true
		}
		step(cx)
		return false
	}))
	return (end.Mallocs - start.Mallocs) / steps
}

// heapInUse returns the bytes of the heap that aren't garbage.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // because the contents of a sync.Pool survive the first time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestSleepingTaskTakes250Bytes(t *testing.T) {
	const n = 100_000
	rt := newTestRuntime(t)
	before := heapInUse()
	runUntil(t, rt, until(func(cx *Context) bool {
		if rt.Report().Tasks == 1 {
			for range n {
				Spawn(cx, Sleep(time.Hour))
			}
		}
		wakeLocal(cx.waker)
		return rt.Report().Timers == n
	}))
	if each := (heapInUse() - before) / n; each > 250 {
		t.Errorf("a sleeping task takes %d bytes", each)
	}
}

// Each connection has had an exchange by then.
func TestIdleEchoConnectionTakes300Bytes(t *testing.T) {
	const first, n = 100, 1300 // the first ones make the queues
	rt := newTestRuntime(t)
	var fds [n]int
	for i := range fds {
		fds[i] = openBusySocket(t, 2*n)
	}
	var before uint64
	for i, fd := range fds {
		if i == first {
			before = heapInUse()
		}
		s := &Stream{source: source{fd: fd, ready: directions{true, true}}}
		if err := rt.reactor.addSource(&s.source); err != nil {
			t.Fatal(err)
		}
		SpawnRemote[struct{}](rt, &echoConnection{stream: s})
		runUntil(t, rt, until(func(cx *Context) bool {
			wakeLocal(cx.waker)
			return waiting(rt) == i+1
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
		unix.Write(peer, []byte("x"))
		err = unix.SetNonblock(pair[0], true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair[0]
}
