package main

import (
	"cmp"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Runtime polls tasks, and when there is none to poll it waits in the kernel's
// event queue, until a descriptor is ready, a timer is due, or somebody rings.
//
// All tasks run on one goroutine, so they need no locks among themselves, and
// what they share with the runtime needs none either. Only what is guarded by
// mu may be touched from elsewhere.
type Runtime struct {
	Trace Trace // set it while nobody polls, spawns or wakes

	reactor Reactor
	timers  timers
	ready   ring        // tasks to poll, first in, first out
	current *Task       // is being polled or closed
	fault   *PanicError // of current, whose goroutine it has ended
	budget  int         // how often current may still read, write or take a permit in this poll

	mu       sync.Mutex
	running  bool    // guarded by mu: inside BlockOn or Close
	parked   bool    // guarded by mu: may be asleep, and nobody has rung yet
	closed   bool    // guarded by mu
	spawned  uint32  // guarded by mu: tasks so far
	blocking int     // guarded by mu: calls of Blocking under way
	live     int     // guarded by mu: tasks that have not ended
	tasks    *Task   // guarded by mu: a list of them
	outside  []*Task // guarded by mu: woken by others, not yet in ready
}

const (
	pollsPerLook     = 16  // how often somebody looks at what others have woken
	pollsPerWait     = 256 // the same for events and timers
	transfersPerPoll = 64  // reads, writes, accepts and permits before others have their turn
)

// NewRuntime makes a runtime without tasks. Call Close when done with it.
func NewRuntime() (*Runtime, error) {
	q, err := openQueue()
	if err != nil {
		return nil, err
	}
	// Go opens a queue of its own at its first timer, which may be the garbage
	// collector's, and dies if no descriptor is left by then. So it does it now.
	time.Sleep(time.Nanosecond)
	return newRuntime(q), nil
}

func newRuntime(q queue) *Runtime {
	return &Runtime{reactor: Reactor{queue: q}, timers: timers{start: time.Now()}}
}

// BlockOn runs f, and with it all tasks, until f is ready. It fails with a
// *PanicError if f panics, and with a *DeadlockError if it sees nothing that
// could wake a task. Other tasks then stay as they are until the next BlockOn,
// or Close.
func BlockOn[T any](rt *Runtime, f Future[T]) (T, error) {
	var h *JoinHandle[T]
	err := rt.run(func() error {
		if h == nil { // see run
			h = Spawn(rt, f)
		}
		return rt.loop(&h.task)
	})
	return h.value, cmp.Or(err, h.err)
}

// run calls f on a goroutine of its own, since a task may end that with
// runtime.Goexit, or have it unwound by a panic. Then f is called once more.
func (rt *Runtime) run(f func() error) (err error) {
	rt.mu.Lock()
	again := rt.running
	rt.running = true
	rt.mu.Unlock()
	if again {
		panic("BlockOn or Close called while the runtime runs")
	}
	defer func() {
		rt.mu.Lock()
		rt.running = false
		rt.mu.Unlock()
	}()
	for finished := false; !finished; {
		exited := make(chan struct{})
		go func() {
			defer close(exited)
			defer func() {
				if v := recover(); !finished {
					rt.fault = asPanicError(v)
				}
			}()
			if fault := rt.fault; fault != nil {
				rt.fault = nil
				rt.end(rt.current, fault)
			}
			err = f()
			finished = true
		}()
		<-exited
		if fault := rt.fault; fault != nil && rt.current == nil {
			rt.fault = nil
			panic(fault) // no task's but the runtime's own
		}
	}
	return err
}

// loop is the executor.
func (rt *Runtime) loop(root *Task) error {
	for !root.done {
		for polls := 0; polls < pollsPerWait && !root.done; polls++ {
			t := rt.next(polls)
			if t == nil {
				break
			}
			rt.poll(t)
		}
		if root.done {
			break
		}
		if err := rt.park(); err != nil {
			return err
		}
		rt.timers.fire(&rt.Trace, pollsPerWait)
	}
	return nil
}

func (rt *Runtime) next(polls int) *Task {
	if rt.ready.len == 0 || polls%pollsPerLook == 0 {
		rt.adopt()
	}
	// Goroutines that are about to wake us can do so without the bell. Twice, as
	// every 61st time Go takes us again at once: findRunnable in runtime/proc.go.
	for try := 0; rt.ready.len == 0 && try < 2; try++ {
		runtime.Gosched()
		rt.adopt()
	}
	return rt.ready.pop()
}

// adopt queues what others have woken.
func (rt *Runtime) adopt() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for i, t := range rt.outside {
		rt.ready.push(t)
		rt.outside[i] = nil
	}
	rt.outside = rt.outside[:0]
}

func (rt *Runtime) poll(t *Task) {
	t.queued.Swap(false) // before the poll: a wake during it queues the task again
	if t.done {
		return
	}
	if t.cancel.Load() {
		rt.end(t, ErrCancelled)
		return
	}
	rt.current, rt.budget = t, transfersPerPoll
	t.waits, t.outside = nil, false
	rt.Trace.task(rt.Trace.Poll, t)
	ready := t.work.poll(&t.cx)
	rt.current = nil
	if ready {
		rt.end(t, nil)
	}
}

// mayTransfer says whether the task polled with cx may read, write, accept or
// take a permit once more. If not, it is queued behind the others; without that,
// one whose peer is always faster would keep them waiting for ever.
func (rt *Runtime) mayTransfer(cx *Context) bool {
	if rt.budget == 0 {
		wakeHere(cx.waker)
		return false
	}
	rt.budget--
	return true
}

// end closes the future of t unless it was ready, and tells who waits for t.
func (rt *Runtime) end(t *Task, err error) {
	if err != nil {
		rt.current, rt.budget = t, transfersPerPoll // it may have to say goodbye
		t.work.abandon(err)
		rt.current = nil
	}
	t.done = true
	rt.mu.Lock()
	rt.unlink(t)
	rt.mu.Unlock()
	rt.Trace.task(rt.Trace.End, t)
	wakeHere(t.joiner)
	t.joiner, t.waits = nil, nil
}

// park sleeps in the kernel until there is an event, a timer is due or the
// bell rings. With tasks ready it only collects the events.
func (rt *Runtime) park() error {
	timeout := time.Duration(0)
	if rt.ready.len == 0 {
		timeout = rt.timers.untilNext()
		if err := rt.lieDown(&timeout); err != nil {
			return err
		}
	}
	if timeout != 0 {
		rt.Trace.call(rt.Trace.Park)
	}
	events, err := rt.reactor.queue.wait(timeout)
	if timeout != 0 {
		rt.mu.Lock()
		rt.parked = false
		rt.mu.Unlock()
		rt.Trace.call(rt.Trace.Unpark)
	}
	for _, ev := range events {
		if f := rt.Trace.Descriptor; f != nil {
			f(ev.fd, ev.ready[readable], ev.ready[writable])
		}
		rt.reactor.deliver(ev)
	}
	switch err {
	case unix.EBADF, unix.EFAULT, unix.EINVAL:
		return err // the queue itself is broken
	}
	return nil // EINTR, say: the loop computes anew how long to sleep
}

// lieDown announces that the runtime is going to sleep. From here on a wake
// rings. One that came before is in outside: there must be no gap between the
// look at it and the announcement, in which a wake would do neither.
func (rt *Runtime) lieDown(timeout *time.Duration) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	switch {
	case len(rt.outside) > 0:
		*timeout = 0
	case *timeout < 0 && rt.reactor.waiting == 0 && rt.stuck():
		return rt.deadlock()
	default:
		rt.parked = *timeout != 0
	}
	return nil
}

// wakeFromOutside is called by any goroutine, whether or not the runtime still
// exists. It rings under the lock, so that Close cannot close the bell
// meanwhile, and some other descriptor get its number.
func (rt *Runtime) wakeFromOutside(t *Task) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return
	}
	rt.outside = append(rt.outside, t)
	if rt.parked {
		rt.parked = false // once, however many wakes come before it is up
		rt.reactor.queue.ring()
	}
}

func (rt *Runtime) spawn(t *Task) {
	t.runtime = rt
	t.cx = Context{waker: t, task: t}
	t.queued.Store(true) // before the runtime sees it: see stuck
	rt.mu.Lock()
	closed := rt.closed
	if !closed {
		rt.spawned++
		t.ID = rt.spawned
		rt.link(t)
	}
	rt.mu.Unlock()
	if closed {
		t.work.abandon(ErrCancelled)
		t.done = true
		return
	}
	rt.Trace.task(rt.Trace.Spawn, t)
	rt.wakeFromOutside(t)
}

func (rt *Runtime) link(t *Task) {
	if t.next = rt.tasks; t.next != nil {
		t.next.prev = t
	}
	rt.tasks = t
	rt.live++
}

func (rt *Runtime) unlink(t *Task) {
	if t.prev == nil {
		rt.tasks = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
	rt.live--
}

// Report says what a runtime holds.
type Report struct {
	Tasks, Timers, Descriptors int
	Blocking                   int // calls under way, whose results nobody will see after Close
}

// Report is called from inside a task, or while the runtime does not run.
func (rt *Runtime) Report() Report {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return Report{rt.live, len(rt.timers.heap), rt.reactor.open, rt.blocking}
}

// Close cancels every task and reports what is left: nothing, unless something
// leaked. It must not be called while BlockOn runs. A Wake after it is harmless.
func (rt *Runtime) Close() Report {
	first := false
	rt.run(func() error {
		rt.mu.Lock()
		first = first || !rt.closed
		rt.closed = true
		rt.mu.Unlock()
		for rt.tasks != nil {
			rt.end(rt.tasks, ErrCancelled)
		}
		return nil
	})
	if first {
		rt.reactor.queue.close()
	}
	return rt.Report()
}
