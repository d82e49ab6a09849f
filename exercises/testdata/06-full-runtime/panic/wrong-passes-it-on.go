// want: a \*PanicError of its own
package main

import (
	"fmt"
	"runtime/debug"
)

// PanicError is the end of a task whose Poll panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the moment of the panic, as debug.Stack returns it
}

func (e *PanicError) Error() string { return fmt.Sprintf("task panicked: %v", e.Value) }

// Unwrap lets errors.Is and errors.As find an error that was passed to panic.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Task is a future that an Executor polls.
type Task struct {
	future Future[string]
	joiner Waker // woken when the task has ended; may be nil
	queued bool
	queue  *[]*Task

	Ended bool
	Value string // if Err is nil
	Err   error  // of type *PanicError
}

// Wake queues the task, unless it's in the queue already.
func (t *Task) Wake() {
	if !t.queued {
		t.queued = true
		*t.queue = append(*t.queue, t)
	}
}

// Executor polls tasks that were woken. It runs on one goroutine.
type Executor struct{ queue []*Task }

// Spawn makes a task. When it has ended, joiner is woken, unless it's nil.
func (e *Executor) Spawn(f Future[string], joiner Waker) *Task {
	t := &Task{future: f, joiner: joiner, queue: &e.queue}
	t.Wake()
	return t
}

// Run polls the tasks that were woken, until there are none.
func (e *Executor) Run() {
	for len(e.queue) > 0 {
		t := e.queue[0]
		e.queue = e.queue[1:]
		t.queued = false
		e.poll(t)
	}
}

// poll polls t once. If that's its end, it says so in t.
func (e *Executor) poll(t *Task) {
	if t.Ended {
		return
	}
	ready, fault := apart(func() (ready bool) {
		t.Value, ready = t.future.Poll(&Context{waker: t})
		return ready
	})
	if fault != nil {
		t.Value, t.Err = "", fault
		apart(func() bool { Close(t.future); return true }) // the first panic is the one to know
	} else if !ready {
		t.Value = ""
		return
	}
	t.Ended = true
	if t.joiner != nil {
		t.joiner.Wake()
	}
}

// apart calls f, and returns its panic. The deferred function runs while the
// stack is still the one of the panic.
func apart(f func() bool) (ready bool, fault *PanicError) {
	defer func() {
		if v := recover(); v != nil {
			var is bool
			if fault, is = v.(*PanicError); !is { // that one says where it began
				fault = &PanicError{v, debug.Stack()}
			}
		}
	}()
	return f(), nil
}
