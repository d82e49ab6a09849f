package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// Task is a future that the runtime polls. It's also that future's Waker.
//
//	pending ──► polling ──► pending, or ended with a value
//	   └───────────┴──► closing ──► ended with an error
//
// A pending task may be in the run queue, and may not have been polled yet. A closing
// one was cancelled or has panicked, and its future is being closed.
type Task struct {
	ID uint32 // 1, 2, 3 ... in the order in which the runtime got them; 0 until then

	index     int32       // its place in Runtime.tasks
	queued    atomic.Bool // it's in runQueue or injected, or a Wake is just putting it there
	cancelled atomic.Bool
	state     taskState
	outside   bool // something outside of the runtime has its waker
	taken     bool // its value has been handed over, or never will be: the handle is closed
	runtime   *Runtime
	work      work
	cx        Context
	joiner    Waker // woken when the task has ended
}

type taskState uint8

const (
	pending taskState = iota
	polling
	closing
	ended
)

// work is the JoinHandle around a task, as the task calls it: without the type of the value.
type work interface {
	poll(cx *Context) (ready bool)
	abandon(err error) // closes the future, after a panic or because it's cancelled
	reportPanic()      // tells of a panic that nothing waits for
}

// Wake queues the task for one more poll, unless it's queued already. Any goroutine may call it.
func (t *Task) Wake() {
	// Swap, not Load: if the mark is set already, the coming poll must see all that
	// happened before this line. Go's memory model promises that only if Runtime.poll's Swap
	// reads what this one has written.
	if !t.queued.Swap(true) {
		t.runtime.Trace.task(t.runtime.Trace.Woken, t)
		t.runtime.wakeRemote(t)
	}
}

// wakeLocal is Wake for the runtime's own goroutine, which needs no bell. w may be nil.
func wakeLocal(w Waker) {
	t, isTask := w.(*Task)
	if isTask {
		if !t.queued.Swap(true) {
			t.runtime.Trace.task(t.runtime.Trace.Woken, t)
			t.runtime.takeInjected() // these were woken before t, so they're polled before t
			t.runtime.runQueue.push(t)
		}
	} else if w != nil {
		w.Wake()
	}
}

// ErrCancelled is the error of a task that was cancelled before it was ready.
var ErrCancelled = errors.New("task cancelled")

// PanicError is the error of a task that panicked or called runtime.Goexit. Error leaves out the stack.
type PanicError struct {
	Value any    // what panic was called with, or a text after Goexit
	Stack []byte // as debug.Stack prints it
}

func (e *PanicError) Error() string { return fmt.Sprintf("task panicked: %v", e.Value) }

// asPanicError makes an error of what recover has returned.
func asPanicError(v any) *PanicError {
	switch v := v.(type) {
	case *PanicError: // of a coroutine or a Blocking call, with the stack of the first panic
		return v
	case nil:
		return &PanicError{"runtime.Goexit was called", debug.Stack()}
	}
	return &PanicError{v, debug.Stack()}
}

// runQueue is first in, first out. Tasks go into incoming and come from outgoing. When
// outgoing is used up, the two change places.
type runQueue struct {
	incoming, outgoing []*Task
	next               int // the index in outgoing of what pop returns next
}

func (q *runQueue) empty() bool { return q.next == len(q.outgoing) && len(q.incoming) == 0 }

func (q *runQueue) push(t *Task) { q.incoming = append(q.incoming, t) }

func (q *runQueue) pop() *Task {
	if q.next == len(q.outgoing) {
		q.incoming, q.outgoing, q.next = q.outgoing[:0], q.incoming, 0
	}
	if len(q.outgoing) == 0 {
		return nil
	}
	t := q.outgoing[q.next]
	q.outgoing[q.next] = nil
	q.next++
	return t
}
