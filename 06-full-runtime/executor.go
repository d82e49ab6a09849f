package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	eventInterval    = 256 // polls, until the runtime looks at events and timers
	transfersPerPoll = 64  // reads, writes and the like, until it's another task's turn
)

// loop is the executor. It polls tasks until root has ended.
func (rt *Runtime) loop(root *Task) error {
	for rt.pollTasks(root); root.state != ended; rt.pollTasks(root) {
		if err := rt.park(); err != nil {
			return err
		}
		rt.sincePark, rt.handedOut = 0, false
		rt.timers.fire(&rt.Trace, eventInterval) // as many as pollTasks polls at a time
	}
	return nil
}

// pollTasks returns when root has ended, there's no task to poll, or it's time to look
// at the kernel. If a task panics or calls runtime.Goexit, the deferred call ends that
// task. One deferred call serves many polls, because a deferred call costs 3 ns.
func (rt *Runtime) pollTasks(root *Task) {
	defer func() {
		if t := rt.current; t != nil {
			rt.current = nil
			rt.fail(t, asPanicError(recover()))
		}
	}()
	for ; rt.sincePark < eventInterval && root.state != ended; rt.sincePark++ {
		t := rt.next()
		if t == nil {
			return
		}
		rt.poll(t)
	}
}

func (rt *Runtime) next() *Task {
	rt.takeInjected()
	// If a waker was handed out, its goroutine may be about to call Wake: we let it run
	// before we park, which saves the bell. Twice, because every 61st time Go picks us
	// again: see findRunnable in runtime/proc.go. While all processors compute, a Gosched
	// takes some 10 ms, so we try it only if a waker was handed out.
	for try := 0; rt.handedOut && rt.runQueue.empty() && try < 2; try++ {
		runtime.Gosched()
		rt.takeInjected()
	}
	return rt.runQueue.pop()
}

func (rt *Runtime) poll(t *Task) {
	t.queued.Swap(false) // before the poll, so a wake in it counts; see the Swap in Task.Wake
	if t.state == ended {
		return
	}
	if t.cancelled.Load() {
		rt.fail(t, ErrCancelled)
		return
	}
	t.state, t.outside = polling, false
	rt.current, rt.budget = t, transfersPerPoll
	rt.Trace.task(rt.Trace.Poll, t)
	ready := t.work.poll(&t.cx)
	rt.current = nil
	t.state = pending
	if ready {
		rt.finish(t)
	}
}

// fail closes the future of a task that has panicked or was cancelled. The task
// ends in any case, even if that Close panics or calls runtime.Goexit.
func (rt *Runtime) fail(t *Task, err error) {
	budget, returned := rt.budget, false
	defer func() {
		if !returned {
			t.work.abandon(asPanicError(recover()))
		}
		rt.budget = budget
		rt.finish(t)
	}()
	t.state, rt.budget = closing, transfersPerPoll // a deferred call of a body may still write to a peer
	t.work.abandon(err)
	returned = true
}

// finish takes t off the list and wakes the task that waits for its end.
func (rt *Runtime) finish(t *Task) {
	last := len(rt.tasks) - 1
	rt.tasks[t.index], rt.tasks[last].index = rt.tasks[last], t.index
	rt.tasks = slices.Delete(rt.tasks, last, last+1)
	t.state = ended
	rt.Trace.task(rt.Trace.End, t)
	if t.joiner == nil {
		t.work.reportPanic()
	}
	wakeLocal(t.joiner)
	t.joiner = nil
}

// park sleeps in the kernel until there's an event, a timer is due, or the bell
// rings. With tasks in the queue, it only collects the events.
func (rt *Runtime) park() (err error) {
	timeout := time.Duration(0)
	if rt.runQueue.empty() {
		if timeout, err = rt.prepareToPark(rt.timers.untilNext()); err != nil {
			return err
		}
	}
	if timeout != 0 {
		rt.Trace.call(rt.Trace.Park)
	}
	events, err := rt.reactor.poller.wait(timeout)
	if timeout != 0 {
		rt.parked.Store(false) // a ring between the wait and this line ends the next wait early: harmless
		rt.Trace.call(rt.Trace.Unpark)
	}
	for _, ev := range events {
		rt.reactor.deliver(ev)
	}
	if err == unix.EBADF || err == unix.EFAULT || err == unix.EINVAL {
		return fmt.Errorf("the runtime's poller is broken: %w", err)
	}
	return nil // after EINTR, for example, the loop works out again how long to sleep
}

// prepareToPark announces that the runtime is going to sleep: from here on a
// wake rings the bell. A wake that came before is in injected.
func (rt *Runtime) prepareToPark(timeout time.Duration) (time.Duration, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if len(rt.injected) > 0 {
		return 0, nil
	}
	if timeout < 0 && rt.stuck() {
		return 0, &DeadlockError{len(rt.tasks)}
	}
	// ← without the lock, a wake that comes here would be lost
	rt.parked.Store(timeout != 0)
	return timeout, nil
}

// stuck reports whether no task waits for a descriptor and nothing outside of
// the runtime has a waker. A task that is marked as queued, but isn't in the queue
// yet, is being woken right now. Sources come first: most often one is waited for.
func (rt *Runtime) stuck() bool {
	return !slices.ContainsFunc(rt.reactor.sources, (*source).waited) &&
		!slices.ContainsFunc(rt.tasks, func(t *Task) bool { return t.outside || t.queued.Load() })
}

// DeadlockError says how many tasks are left though nothing can wake one: no timer, no
// descriptor, and no goroutine that has got a waker of a task. A goroutine that is
// going to call SpawnRemote or Cancel isn't known here, unless a task waits for it.
type DeadlockError struct{ Tasks int }

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("deadlock: no task can be woken (tasks left: %d)", e.Tasks)
}
