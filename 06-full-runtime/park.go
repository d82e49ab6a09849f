package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// park sleeps in the kernel until there's an event, a timer is due, or the bell
// rings. If there are tasks to poll, it only collects the events.
func (rt *Runtime) park() error {
	timeout := time.Duration(0)
	if rt.runQueue.len == 0 {
		var err error
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
// wake rings the bell. A wake that came before is in injected. The look at
// injected and the announcement happen under one lock, because a wake that came
// in between would find no sleeper to ring for, and the sleeper no wake.
func (rt *Runtime) prepareToPark(timeout time.Duration) (time.Duration, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if len(rt.injected) > 0 {
		return 0, nil
	}
	if timeout < 0 && rt.reactor.waiting == 0 && rt.outside == 0 {
		return 0, &DeadlockError{rt.live}
	}
	rt.parked = timeout != 0
	return timeout, nil
}

// DeadlockError says that tasks are left and that nothing can wake any of them:
// no timer, no descriptor, and no waker that was taken out with Context.Waker.
// Go's runtime says the same of goroutines. Ours can't know of a goroutine that
// is going to call SpawnRemote or Cancel, so some task must wait for it, for
// example in Blocking.
type DeadlockError struct{ Tasks int }

func (e *DeadlockError) Error() string {
	return fmt.Sprintf("deadlock: nothing can wake any of the tasks, and %d are left", e.Tasks)
}

// wakeRemote queues t for any goroutine, whether or not the runtime still
// exists. It rings the bell under the lock. Otherwise Close could close the bell
// in between, and the write would go to whatever has its number then. It reports
// false once the runtime is closed.
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

// takeInjected moves the tasks that other goroutines have woken or spawned into
// the run queue. Every local wake does this first, so that tasks are polled in
// the order in which they were woken. When there's nothing to take, that costs
// one atomic load.
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
