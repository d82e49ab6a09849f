package main

// Context is what a future may ask of the runtime, in Poll or later, on the runtime's goroutine.
type Context struct {
	waker Waker // task itself, or a test's
	task  *Task
}

// Waker returns a waker for any goroutine. A future that waits for something outside calls
// this in each Poll. If the latest poll didn't, the task counts as one that nothing can wake.
func (cx *Context) Waker() Waker {
	cx.task.outside, cx.task.runtime.handedOut = true, true
	return cx.waker
}

// Scratch returns 32 KiB to read into. All tasks of the runtime share them: copy
// what is worth keeping before another future is polled, or the body awaits.
func (cx *Context) Scratch() []byte { return cx.task.runtime.scratch[:] }

func (cx *Context) runtime() *Runtime { return cx.task.runtime }
func (cx *Context) timers() *timers   { return &cx.task.runtime.timers }
func (cx *Context) reactor() *Reactor { return &cx.task.runtime.reactor }

// wake queues the task. It's for the runtime's goroutine; others use Waker.
func (cx *Context) wake() { wakeLocal(cx.waker) }

// takeBudget takes one of the transfers that the task may make in this poll. If none
// is left, it queues the task behind the others. Without that, a task whose peer is
// always faster would keep them waiting forever.
func (cx *Context) takeBudget() bool {
	if !cx.hasBudget() {
		cx.wake()
		return false
	}
	cx.task.runtime.budget--
	return true
}

func (cx *Context) hasBudget() bool { return cx.task.runtime.budget > 0 }

// report gives the trace an error that no future yields.
func (cx *Context) report(err error) { cx.task.runtime.Trace.report(err) }

// waitsFor tells the trace why a future is pending.
func (cx *Context) waitsFor(what string) {
	if f := cx.task.runtime.Trace.Wait; f != nil {
		f(cx.task, what)
	}
}
