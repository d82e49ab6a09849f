package main

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests in this file are not parallel: they look at what the whole process
// has allocated.

// What goes on and on allocates nothing.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var sleep Sleep
	defer sleep.Close()
	body := Async(func(co *Co) struct{} {
		for {
			co.suspend(nil)
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
		"a poll, and a wake from inside": func(cx *Context) { wakeHere(cx.waker) },
		"a wake by anybody":              func(cx *Context) { cx.Waker().Wake() },
		"a wake from a goroutine":        func(cx *Context) { asked <- cx.Waker(); <-answers },
		"a yield":                        func(cx *Context) { (&Yield{}).Poll(cx) },
		"a timer that fires": func(cx *Context) {
			sleep = Sleep{d: 1}
			sleep.Poll(cx)
		},
		"a switch to a coroutine and back": func(cx *Context) {
			body.Poll(cx)
			wakeHere(cx.waker)
		},
	} {
		if n := allocations(t, step); n > 0 {
			t.Errorf("%s allocates %d times", what, n)
		}
	}
	body.Close()
}

// allocations returns how often a step allocates, each the poll of a task.
func allocations(t *testing.T, step func(cx *Context)) uint64 {
	t.Helper()
	const before, steps = 1000, 10_000
	var start, end runtime.MemStats
	polls := 0
	blockOn(t, openRuntime(t), until(func(cx *Context) bool {
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

// heapInUse is what of the heap is in use, and not garbage.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what is in a sync.Pool survives the first time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestSleepingTaskTakes250Bytes(t *testing.T) {
	const n = 100_000
	rt := openRuntime(t)
	before := heapInUse()
	crowd := Spawn(rt, newSleepers(n, func(int) time.Duration { return time.Hour }))
	blockOn(t, rt, until(func(cx *Context) bool {
		wakeHere(cx.waker)
		return rt.Report().Timers == n
	}))
	if each := (heapInUse() - before) / n; each > 250 {
		t.Errorf("a sleeping task takes %d bytes", each)
	}
	runtime.KeepAlive(crowd)
}

// Each has had an exchange, and has given the buffer back.
func TestIdleEchoConnectionTakes300Bytes(t *testing.T) {
	const first, n = 100, 1300 // the first ones make the queues
	rt, all := openRuntime(t), new(buffer)
	var fds [n]int
	for i := range fds {
		fds[i] = openBusySocket(t, 2*n)
	}
	var before uint64
	for i, fd := range fds {
		if i == first {
			before = heapInUse()
		}
		s := &Stream{source: source{fd: fd, ready: interest{true, true}}, reactor: &rt.reactor}
		if err := rt.reactor.add(&s.source); err != nil {
			t.Fatal(err)
		}
		Spawn(rt, &Echo{stream: s, buffer: all})
		blockOn(t, rt, until(func(cx *Context) bool {
			wakeHere(cx.waker)
			return rt.reactor.waiting == i+1
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
		send(t, peer)
		err = unix.SetNonblock(pair[0], true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair[0]
}
