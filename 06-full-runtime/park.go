package main

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// park sleeps in the kernel until there's an event, a timer is due, or the bell
// rings. If there are tasks to poll, it only collects the events.
func (rt *Runtime) park() (err error) {
	timeout := time.Duration(0)
	if rt.runQueue.len == 0 {
		if timeout, err = rt.prepareToPark(rt.timers.untilNext()); err != nil {
			return err
		}
	}
	if timeout != 0 {
		rt.Trace.call(rt.Trace.Park)
	}
	events, err := rt.reactor.poller.wait(timeout)
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
		return err // the poller itself is broken
	}
	return nil // after EINTR, for example, the loop computes anew how long to sleep
}

// prepareToPark announces that the runtime is going to sleep: from here on a
// wake rings the bell. A wake that came before is in injected. Both happen under
// one lock. In a gap between them, a wake would find no sleeper to ring for.
func (rt *Runtime) prepareToPark(timeout time.Duration) (time.Duration, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if len(rt.injected) > 0 {
		return 0, nil
	}
	if timeout < 0 && rt.stuck() {
		return 0, &DeadlockError{len(rt.tasks)}
	}
	rt.parked = timeout != 0
	return timeout, nil
}

// stuck reports whether no task waits for a descriptor, and nothing outside of
// the runtime has the waker of a task. Most often the first look says no.
func (rt *Runtime) stuck() bool {
	return !rt.reactor.waited() && !slices.ContainsFunc(rt.tasks, func(t *Task) bool { return t.outside })
}

// DeadlockError says that so many tasks are left and that nothing can wake them:
// no timer, no descriptor, and no waker that was taken out with Context.Waker.
// Go's runtime says the same of goroutines. Ours can't know of a goroutine that
// is going to call SpawnRemote or Cancel, so a task must wait for that goroutine,
// for example in Blocking.
type DeadlockError struct{ Tasks int }

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("deadlock: no task can be woken, and %d are left", e.Tasks)
}

// wakeRemote queues t for any goroutine, and reports false if the runtime is
// closed. It rings under the lock. Otherwise Close could close the bell in
// between, and the ring would go to whatever has its number by then.
func (rt *Runtime) wakeRemote(t *Task) (open bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return false
	}
	rt.injected = append(rt.injected, t)
	rt.hasInjected.Store(true)
	if rt.parked {
		rt.parked = false // one ring is enough, however many wakes follow
		rt.reactor.poller.notify()
	}
	return true
}

// takeInjected moves what other goroutines have woken or spawned into the run
// queue. Every local wake does that first, so tasks are polled in the order in
// which they were woken. It costs one atomic load when there's nothing to take.
func (rt *Runtime) takeInjected() {
	if !rt.hasInjected.Load() {
		return
	}
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
