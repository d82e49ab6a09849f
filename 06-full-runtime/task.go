package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// Task is a future that the runtime polls. It's also the Waker of that future.
//
//	pending ──► polling ──► pending, or ended with a value
//	   │           │
//	   └───────────┴──► closing ──► ended with an error
//
// A pending task may be in the run queue; queued says so. A task that is closing
// was cancelled, or has panicked, and its future is being closed.
type Task struct {
	ID uint32 // 1, 2, 3 ... in the order in which the runtime got them

	queued    atomic.Bool // in the run queue, or on the way to it
	cancelled atomic.Bool
	state     taskState
	outside   bool // something outside of the runtime has its waker
	taken     bool // its value has a receiver, or will never have one
	runtime   *Runtime
	work      work
	cx        Context
	joiner    Waker // of the future that waits for the task's end
	prev      *Task // in the list of tasks that haven't ended
	next      *Task
}

type taskState uint8

const (
	pending taskState = iota
	polling
	closing
	ended
)

// work is the part of a task that knows the type of its value: its JoinHandle.
type work interface {
	poll(cx *Context) (ready bool)
	abandon(err error) // closes the future; err is how the task ends
	ended()            // the task has ended
}

// Wake queues the task, once for any number of calls before the next poll.
func (t *Task) Wake() {
	t.runtime.Trace.task(t.runtime.Trace.Woken, t)
	// A load before a store wouldn't do. The poll that takes the task out of the
	// queue swaps too. So if we find the mark still set, that poll has yet to
	// come, and will see everything that happened before this line.
	if !t.queued.Swap(true) {
		t.runtime.wakeRemote(t)
	}
}

// wakeLocal is Wake for the runtime's own goroutine: no lock, no bell.
func wakeLocal(w Waker) {
	t, isTask := w.(*Task)
	if !isTask {
		if w != nil {
			w.Wake()
		}
		return
	}
	t.runtime.Trace.task(t.runtime.Trace.Woken, t)
	if !t.queued.Swap(true) {
		t.runtime.takeInjected() // woken before us, polled before us
		t.runtime.runQueue.push(t)
	}
}

// setOutside notes whether something outside of the runtime can wake t.
func (t *Task) setOutside(outside bool) {
	if t.outside == outside {
		return
	}
	t.outside = outside
	if outside {
		t.runtime.outside++
	} else {
		t.runtime.outside--
	}
}

// ErrCancelled is how a task ends that was cancelled before it was ready.
var ErrCancelled = errors.New("task cancelled")

// PanicError is how a task ends that panicked or called runtime.Goexit.
type PanicError struct {
	Value any
	Stack []byte

	task uint32      // ID
	told atomic.Bool // a receiver has it, or it was reported
}

func (e *PanicError) Error() string { return fmt.Sprintf("task panicked: %v", e.Value) }

// asPanicError makes an error of what recover has returned. That's nil after
// runtime.Goexit.
func asPanicError(v any) *PanicError {
	switch v := v.(type) {
	case *PanicError: // of a coroutine, with the stack of its body
		return v
	case nil:
		return &PanicError{Value: "runtime.Goexit was called", Stack: debug.Stack()}
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}

// report tells of a failure that would be silent otherwise.
func (e *PanicError) report(to func(error)) {
	if !e.told.Swap(true) {
		to(fmt.Errorf("task %d failed, and nothing waits for it: %w", e.task, e))
	}
}

// runQueue is a first-in, first-out queue that reuses its memory.
type runQueue struct {
	tasks []*Task // its length is a power of two
	head  int
	len   int
}

func (q *runQueue) push(t *Task) {
	if q.len == len(q.tasks) {
		grown := make([]*Task, max(64, 2*q.len))
		n := copy(grown, q.tasks[q.head:])
		copy(grown[n:], q.tasks[:q.head])
		q.tasks, q.head = grown, 0
	}
	q.tasks[(q.head+q.len)&(len(q.tasks)-1)] = t
	q.len++
}

func (q *runQueue) pop() *Task {
	if q.len == 0 {
		return nil
	}
	t := q.tasks[q.head]
	q.tasks[q.head] = nil
	q.head = (q.head + 1) & (len(q.tasks) - 1)
	q.len--
	return t
}
