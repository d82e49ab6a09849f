package main

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Runtime polls tasks. When there's no task to poll, it waits in the kernel for
// a descriptor, for a timer, or for the bell that other goroutines ring.
//
// All tasks run on one goroutine, so they need no locks among themselves. Other
// goroutines may touch only hasInjected and the fields that mu guards.
type Runtime struct {
	Trace Trace // set it while nothing polls, spawns or wakes

	reactor   Reactor
	timers    timers
	runQueue  runQueue
	budget    int     // transfers that the polled task may still make
	sincePark int     // polls since the runtime last looked at the kernel
	tasks     []*Task // that haven't ended
	spawned   uint32  // the ID of the newest task
	closed    bool    // written with mu held

	hasInjected atomic.Bool // written with mu held

	mu       sync.Mutex
	running  bool    // guarded by mu: inside BlockOn or Close
	parked   bool    // guarded by mu: may be asleep, and the bell hasn't been rung
	blocking int     // guarded by mu: calls of Blocking under way
	injected []*Task // guarded by mu: woken or spawned by other goroutines
	taken    []*Task // memory for the next ones
}

// NewRuntime makes a runtime without tasks. Call Close when you're done with it.
func NewRuntime() (*Runtime, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	// Go opens a poller of its own at its first timer, which may be the garbage
	// collector's. If no descriptor is left by then, the process dies. So we
	// make Go open it now.
	time.Sleep(time.Nanosecond)
	return newRuntime(p), nil
}

func newRuntime(p poller) *Runtime {
	return &Runtime{
		reactor: Reactor{poller: p, read: unix.Read, write: unix.Write},
		timers:  timers{start: time.Now()},
	}
}

// BlockOn runs f, and with it all other tasks, until f is ready. It fails with a
// *PanicError if f panics, with ErrCancelled if the runtime is closed, and with
// a *DeadlockError if nothing can wake any task. Tasks that haven't ended stay
// as they are until the next BlockOn, or until Close.
func BlockOn[T any](rt *Runtime, f Future[T]) (value T, err error) {
	h := new(JoinHandle[T])
	h.init(rt, f).joiner = caller{}
	rt.run(func() {
		if h.task.ID == 0 {
			rt.spawn(&h.task)
		}
		err = rt.loop(&h.task)
	})
	if err != nil {
		h.Close() // f remains a task, but its value has no receiver
		return value, err
	}
	r := h.result()
	return r.Value, r.Err
}

// caller waits for the task of a BlockOn. It needs no wake.
type caller struct{}

func (caller) Wake() {}

// run calls f on a goroutine of its own. A task may end that goroutine with
// runtime.Goexit, which nothing can stop. Then f is called again on a new one.
func (rt *Runtime) run(f func()) {
	rt.mu.Lock()
	again := rt.running
	rt.running = true
	rt.mu.Unlock()
	if again {
		panic("BlockOn or Close called while the runtime runs")
	}
	for !apart(f) {
	}
	rt.mu.Lock()
	rt.running = false
	rt.mu.Unlock()
}

// apart calls f on a goroutine of its own and waits until that ends. It reports
// whether f has returned, rather than called runtime.Goexit.
func apart(f func()) (returned bool) {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		f()
		returned = true
	}()
	<-exited
	return returned
}

// Report says what a runtime holds.
type Report struct {
	Tasks, Timers, Descriptors int
	Blocking                   int // calls under way
}

// Report is for tasks, and for other goroutines while the runtime doesn't run.
func (rt *Runtime) Report() Report {
	rt.takeInjected()
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return Report{len(rt.tasks), len(rt.timers.heap), rt.reactor.open, rt.blocking}
}

// Close cancels every task and reports what is left: nothing, unless something
// leaked. It mustn't be called while BlockOn runs. A Wake after it is harmless.
func (rt *Runtime) Close() Report {
	first := false
	rt.run(func() {
		rt.mu.Lock()
		first = first || !rt.closed
		rt.closed = true // from here on, nothing is injected
		rt.mu.Unlock()
		rt.takeInjected()
		for len(rt.tasks) > 0 {
			rt.end(rt.tasks[len(rt.tasks)-1], ErrCancelled)
		}
	})
	if first {
		rt.reactor.poller.close()
		rt.runQueue = runQueue{}
	}
	return rt.Report()
}
