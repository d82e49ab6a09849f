package main

import (
	"runtime"
	"slices"
)

// Result is the value of something that can fail.
type Result[T any] struct {
	Value T
	Err   error
}

// Close closes a value that has no receiver.
func (r Result[T]) Close() error { return closeValue(r.Value) }

// JoinHandle is the future of a task's end: its value, or ErrCancelled, or a
// *PanicError. Its methods are for the tasks of the runtime, except Cancel.
type JoinHandle[T any] struct {
	task   Task
	future Future[T] // nil once it's ready or closed
	value  T
	err    error
}

// newHandle makes a task that the runtime doesn't know yet.
func newHandle[T any](rt *Runtime, f Future[T]) *JoinHandle[T] {
	h := new(JoinHandle[T])
	h.init(rt, f)
	return h
}

func (h *JoinHandle[T]) init(rt *Runtime, f Future[T]) {
	h.future = f
	h.task.work, h.task.runtime = h, rt
	h.task.cx = Context{waker: &h.task, task: &h.task}
	h.task.queued.Store(true) // nothing has to wake it for its first poll
}

// Spawn makes f a task of the runtime that polls the caller. Inside an Async
// body cx is co.cx.
func Spawn[T any](cx *Context, f Future[T]) *JoinHandle[T] {
	h := newHandle(cx.task.runtime, f)
	h.task.runtime.spawn(&h.task)
	return h
}

// SpawnRemote is Spawn for any goroutine. Once the runtime is closed, f is
// closed here and the handle says ErrCancelled.
func SpawnRemote[T any](rt *Runtime, f Future[T]) *JoinHandle[T] {
	h := newHandle(rt, f)
	if !rt.wakeRemote(&h.task) {
		h.task.state = ended
		h.abandon(ErrCancelled)
	}
	return h
}

// Poll is for one task at a time: the latest one that polled is woken.
func (h *JoinHandle[T]) Poll(cx *Context) (Result[T], bool) {
	if h.task.runtime != cx.task.runtime {
		panic("JoinHandle polled by a task of another runtime") // on another goroutine
	}
	if h.task.state == ended {
		return h.result(), true
	}
	h.task.joiner, h.task.taken = cx.waker, false // wanted again, if it was closed
	cx.waitsFor("another task")
	return Result[T]{}, false
}

// result is for the receiver, who owns the value from now on.
func (h *JoinHandle[T]) result() Result[T] {
	h.task.taken = true
	if fault, failed := h.err.(*PanicError); failed {
		fault.told.Store(true)
	}
	return Result[T]{h.value, h.err}
}

// Close detaches the task, and doesn't cancel it. If its value comes, it's
// closed, and if it fails, that is reported. A handle may be polled again after
// Close, as long as the task hasn't ended.
func (h *JoinHandle[T]) Close() error {
	h.task.joiner = nil
	if h.task.taken {
		return nil
	}
	h.task.taken = true
	if h.task.state != ended {
		return nil
	}
	h.ended()
	return closeValue(h.value)
}

// Cancel makes the runtime close the task's future instead of polling it again.
// Any goroutine may call it, and a task may cancel itself. A task that has ended
// stays as it is.
func (h *JoinHandle[T]) Cancel() {
	h.task.cancelled.Store(true)
	h.task.Wake()
}

func (h *JoinHandle[T]) poll(cx *Context) (ready bool) {
	value, ready := h.future.Poll(cx)
	if !ready {
		return false
	}
	h.future = nil
	if h.task.taken {
		closeValue(value)
	} else {
		h.value = value
	}
	return true
}

// abandon closes the future. If that panics, it's called once more, with the
// panic. The first panic is the one that the handle keeps.
func (h *JoinHandle[T]) abandon(err error) {
	f := h.future
	h.future = nil
	if _, failed := h.err.(*PanicError); !failed {
		h.err = err
	}
	Close(f)
}

// ended sees to it that a failure isn't silent. If the handle was closed, it's
// reported now. If not, it may be awaited later, or the program may have dropped
// the handle. Only the garbage collector knows, so that is whom we ask.
func (h *JoinHandle[T]) ended() {
	fault, failed := h.err.(*PanicError)
	if !failed {
		return
	}
	rt := h.task.runtime
	fault.task = h.task.ID
	report := rt.Trace.reporter()
	if h.task.taken {
		fault.report(report)
		return
	}
	runtime.AddCleanup(h, func(fault *PanicError) { fault.report(report) }, fault)
	rt.unseen = append(slices.DeleteFunc(rt.unseen, func(e *PanicError) bool { return e.told.Load() }), fault)
}
