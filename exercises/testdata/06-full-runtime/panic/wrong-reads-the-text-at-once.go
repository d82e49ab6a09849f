// want: that panic comes out of Run

package main

import (
	"fmt"
	"runtime/debug"
)

// PanicError is the end of a task whose Poll panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the moment of the panic, as debug.Stack returns it
	text  string // made at once: the value may change later
}

func (e *PanicError) Error() string { return "task panicked: " + e.text }

// Unwrap returns the error that was passed to panic, if it was one.
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
	var value string
	var ready bool
	fault := catchIn(func() { value, ready = t.future.Poll(&Context{waker: t}) })
	switch {
	case fault != nil:
		t.Err = fault
		catchIn(func() { Close(t.future) })
	case ready:
		t.Value = value
	default:
		return
	}
	t.Ended = true
	if t.joiner != nil {
		t.joiner.Wake()
	}
}

// catchIn calls f, and returns its panic.
func catchIn(f func()) (fault *PanicError) {
	defer func() {
		if v := recover(); v != nil {
			text := fmt.Sprint(v)
			if err, ok := v.(error); ok {
				text = err.Error()
			}
			fault = &PanicError{Value: v, Stack: debug.Stack(), text: text}
		}
	}()
	f()
	return nil
}
