package main

// Context is what a future may ask of the executor that polls it. It stays
// valid after Poll has returned.
type Context struct {
	waker Waker
	task  *Task
}

// Waker returns what asks for another poll of this future. A future that waits
// for something outside of the runtime hands it to that, in each Poll anew,
// because only the latest one counts.
func (cx *Context) Waker() Waker {
	cx.task.setOutside(true)
	return cx.waker
}

func (cx *Context) timers() *timers   { return &cx.task.runtime.timers }
func (cx *Context) reactor() *Reactor { return &cx.task.runtime.reactor }

// takeBudget reports whether the task may make one more transfer in this poll.
// If not, the task is queued behind the others. Without that, a task whose peer
// is always faster would keep the others waiting forever.
func (cx *Context) takeBudget() bool {
	rt := cx.task.runtime
	if rt.budget == 0 {
		wakeLocal(cx.waker)
		return false
	}
	rt.budget--
	return true
}

// hasBudget reports whether takeBudget would succeed.
func (cx *Context) hasBudget() bool { return cx.task.runtime.budget > 0 }

// waitsFor tells the trace what the task waits for.
func (cx *Context) waitsFor(what string) {
	if f := cx.task.runtime.Trace.Wait; f != nil {
		f(cx.task, what)
	}
}
