package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// Runtime polls tasks. When there's no task to poll, it waits in the kernel for
// a descriptor, for a timer, or for the bell that other goroutines ring. All
// tasks run on one goroutine, so they need no locks among themselves. Other
// goroutines may touch only what is atomic and what mu guards.
type Runtime struct {
	Trace Trace // set it before the first spawn, or while no BlockOn runs and no goroutine has a waker

	reactor   Reactor
	timers    timers
	runQueue  runQueue
	tasks     []*Task        // all that haven't ended
	spawned   uint32         // the ID of the newest task
	current   *Task          // the one that is being polled, or nil
	budget    int            // transfers that current may still make
	sincePark int            // polls since the runtime last looked at the kernel
	handedOut bool           // a waker has left the runtime since then
	closed    bool           // nothing is injected anymore; written with mu held
	taken     []*Task        // what moveInjected has taken out; injected gets its memory next
	scratch   [32 << 10]byte // see Context.Scratch

	running     atomic.Bool  // inside BlockOn or Close
	blocking    atomic.Int32 // calls of Blocking under way
	parked      atomic.Bool  // may be asleep, and hasn't been rung yet; becomes true with mu held
	hasInjected atomic.Bool  // injected isn't empty; written with mu held

	mu       sync.Mutex
	injected []*Task // guarded by mu: woken or spawned by other goroutines
}

// NewRuntime makes a runtime without tasks. They run in BlockOn. Close it in the end.
func NewRuntime() (*Runtime, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	// Go opens a poller of its own at its first timer, which may be the garbage
	// collector's, and dies if no descriptor is left by then. This makes it open the poller now.
	time.Sleep(time.Nanosecond)
	return newRuntime(p), nil
}

func newRuntime(p poller) *Runtime {
	return &Runtime{reactor: newReactor(p), timers: timers{start: time.Now()}}
}

// run calls f on a goroutine of its own. A task may end that goroutine with
// runtime.Goexit, which nothing can stop. Then f is called again on a new one, and
// must go on where it was.
func (rt *Runtime) run(f func()) {
	if !rt.running.CompareAndSwap(false, true) {
		panic("BlockOn or Close called while the runtime runs")
	}
	for !completes(f) {
	}
	rt.running.Store(false)
}

// completes calls f on a goroutine of its own and waits until that ends. It reports
// whether f has returned, rather than called runtime.Goexit.
func completes(f func()) (returned bool) {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		f()
		returned = true
	}()
	<-exited
	return returned
}

// spawn adds t to the tasks. Once the runtime is closed, t ends at once.
func (rt *Runtime) spawn(t *Task) {
	rt.takeInjected() // these were spawned before t, so they're polled before t
	rt.adopt(t)
	if rt.closed {
		rt.fail(t, ErrCancelled)
	}
}

func (rt *Runtime) adopt(t *Task) {
	rt.spawned = max(rt.spawned+1, 1) // after 2^32 tasks the IDs start again; 0 isn't one
	t.ID, t.index = rt.spawned, int32(len(rt.tasks))
	rt.tasks = append(rt.tasks, t)
	rt.Trace.task(rt.Trace.Spawn, t)
	rt.runQueue.push(t)
}

// wakeRemote queues t, which is marked as queued, on any goroutine. It reports false if
// the runtime is closed. It rings under the lock. Otherwise Close could close the bell
// in between, and the ring would go to whatever has its number by then.
func (rt *Runtime) wakeRemote(t *Task) (open bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return false
	}
	rt.injected = append(rt.injected, t)
	rt.hasInjected.Store(true)
	if rt.parked.Swap(false) { // one ring is enough, however many wakes follow
		rt.reactor.poller.notify()
	}
	return true
}

// takeInjected moves what other goroutines have woken or spawned into the run
// queue. Every local wake does that first, so tasks are polled in the order in
// which they were woken. It costs one atomic load when there's nothing to take.
func (rt *Runtime) takeInjected() {
	if rt.hasInjected.Load() {
		rt.moveInjected()
	}
}

func (rt *Runtime) moveInjected() {
	rt.mu.Lock()
	rt.injected, rt.taken = rt.taken[:0], rt.injected
	rt.hasInjected.Store(false)
	rt.mu.Unlock()
	for _, t := range rt.taken {
		if t.ID == 0 {
			rt.adopt(t)
		} else {
			rt.runQueue.push(t)
		}
	}
	clear(rt.taken)
}

// Report says what a runtime holds.
type Report struct {
	Tasks, Timers, Descriptors int
	Blocking                   int // calls under way
}

// Report counts what the runtime holds. It's for tasks, or while the runtime doesn't run.
func (rt *Runtime) Report() Report {
	rt.takeInjected()
	return Report{len(rt.tasks), len(rt.timers.heap), rt.reactor.open, int(rt.blocking.Load())}
}

// Close cancels every task, waits for their Close, and reports what is left: what has leaked, and
// calls of Blocking under way. It panics while BlockOn runs. A Wake or a Close after it is harmless.
func (rt *Runtime) Close() Report {
	first := !rt.closed // only Close writes it
	rt.run(func() {
		for ; !rt.closed; rt.takeInjected() {
			for len(rt.tasks) > 0 {
				rt.fail(rt.tasks[len(rt.tasks)-1], ErrCancelled)
			}
			rt.mu.Lock()
			rt.closed = len(rt.injected) == 0 // if so, nothing will ever be injected
			rt.mu.Unlock()
		}
	})
	if first {
		rt.reactor.poller.close()
		rt.runQueue = runQueue{}
	}
	return rt.Report()
}
