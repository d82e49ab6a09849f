package main

// Trace is told what happens, as it happens, in the manner of net/http/httptrace.
// What is nil is not called. Spawn and Woken are called by whoever calls Spawn
// and Wake, the others on the runtime's goroutine.
type Trace struct {
	Spawn, Poll, Woken, End func(*Task)
	Park, Unpark            func()
	Descriptor              func(fd int, readable, writable bool) // has an event
	Timer                   func()                                // fires
}

func (*Trace) call(f func()) {
	if f != nil {
		f()
	}
}

func (*Trace) task(f func(*Task), t *Task) {
	if f != nil {
		f(t)
	}
}
