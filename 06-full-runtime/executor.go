package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// Task is a future of which the runtime takes care. It is a Waker, its own.
type Task struct {
	ID uint32 // 1, 2, 3 ... in the order of Spawn

	queued  atomic.Bool // in a ready queue
	cancel  atomic.Bool
	outside bool // something outside the runtime has its waker
	done    bool // its handle says how it ended
	taken   bool // its value belongs to somebody else, or to nobody
	runtime *Runtime
	work    work
	cx      Context
	joiner  Waker        // who waits for the handle
	waits   fmt.Stringer // for whom, if another task has to act: see deadlock
	prev    *Task        // in the list of tasks that have not ended
	next    *Task
}

// work is the part of a task that knows the type of its value: its JoinHandle.
type work interface {
	poll(cx *Context) (ready bool)
	abandon(err error) // closes the future; err is how the task ended
}

// ErrCancelled is how a task ends that was cancelled before it was ready.
var ErrCancelled = errors.New("task cancelled")

// PanicError is how a task ends whose Poll panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("task panicked: %v", e.Value) }

func asPanicError(v any) *PanicError {
	switch v := v.(type) {
	case *PanicError: // of a coroutine, with the stack of its body
		return v
	case nil:
		return &PanicError{"runtime.Goexit was called", debug.Stack()}
	}
	return &PanicError{v, debug.Stack()}
}

// Wake queues the task, once however often it is called before the next poll.
func (t *Task) Wake() {
	t.runtime.Trace.task(t.runtime.Trace.Woken, t)
	// Swap, and not a look first: the poll that takes the task out of the queue
	// swaps too, and so sees everything that happened before this line.
	if !t.queued.Swap(true) {
		t.runtime.wakeFromOutside(t)
	}
}

// wakeHere is Wake for callers on the runtime's own goroutine: no lock, no bell.
func wakeHere(w Waker) {
	switch w := w.(type) {
	case nil:
	case *Task:
		w.runtime.Trace.task(w.runtime.Trace.Woken, w)
		if !w.queued.Swap(true) {
			w.runtime.ready.push(w)
		}
	case *childWaker:
		wakeHere(w.mark())
	default:
		w.Wake()
	}
}

// ring is a first-in, first-out queue that reuses its memory.
type ring struct {
	tasks []*Task // a power of two
	head  int
	len   int
}

func (r *ring) push(t *Task) {
	if r.len == len(r.tasks) {
		grown := make([]*Task, max(64, 2*r.len))
		n := copy(grown, r.tasks[r.head:])
		copy(grown[n:], r.tasks[:r.head])
		r.tasks, r.head = grown, 0
	}
	r.tasks[(r.head+r.len)&(len(r.tasks)-1)] = t
	r.len++
}

func (r *ring) pop() *Task {
	if r.len == 0 {
		return nil
	}
	t := r.tasks[r.head]
	r.tasks[r.head] = nil
	r.head = (r.head + 1) & (len(r.tasks) - 1)
	r.len--
	return t
}
