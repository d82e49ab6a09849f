package main

// Trace is told what happens, at the moment when it happens. Woken is called on
// the goroutine that calls Wake, the other functions on the goroutine of Run.
type Trace struct {
	Poll, Pending, Ready, Woken func(*Task)
	Park, Unpark                func()
}

// silent returns a Trace whose functions do nothing.
func silent() Trace {
	task, nothing := func(*Task) {}, func() {}
	return Trace{Poll: task, Pending: task, Ready: task, Woken: task, Park: nothing, Unpark: nothing}
}

// poll polls t once, and reports whether it's ready.
func (e *Executor) poll(t *Task) bool {
	e.Trace.Poll(t)
	if !t.poll() {
		e.Trace.Pending(t)
		return false
	}
	e.Trace.Ready(t)
	return true
}

// park sleeps until a task is woken.
func (e *Executor) park() {
	e.Trace.Park()
	e.parker.Park()
	e.Trace.Unpark()
}
