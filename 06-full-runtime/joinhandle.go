package main

import (
	"cmp"
	"fmt"
)

// JoinHandle is the future of a task's end: its value, or ErrCancelled, or a
// *PanicError. Its methods are for the tasks of the runtime, except Cancel.
type JoinHandle[T any] struct {
	task   Task
	future Future[T] // nil once it's ready or closed
	value  T
	fault  *PanicError
}

// Spawn makes f a task of the runtime that polls the caller. Inside an Async
// body cx is co.cx.
func Spawn[T any](cx *Context, f Future[T]) *JoinHandle[T] {
	h, rt := new(JoinHandle[T]), cx.task.runtime
	rt.spawn(h.init(rt, f))
	return h
}

// SpawnRemote is Spawn for any goroutine. Once the runtime is closed, f is
// closed here and the handle says ErrCancelled.
func SpawnRemote[T any](rt *Runtime, f Future[T]) *JoinHandle[T] {
	h := new(JoinHandle[T])
	if !rt.wakeRemote(h.init(rt, f)) {
		h.task.state = ended
		h.abandon(nil)
	}
	return h
}

func (h *JoinHandle[T]) init(rt *Runtime, f Future[T]) *Task {
	h.future = f
	h.task.work, h.task.runtime = h, rt
	h.task.cx = Context{waker: &h.task, task: &h.task}
	h.task.queued.Store(true) // it needs no wake for its first poll
	return &h.task
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
	return Result[T]{h.value, h.err()}
}

func (h *JoinHandle[T]) err() error {
	switch {
	case h.fault != nil:
		return h.fault
	case h.task.abandoned:
		return ErrCancelled
	}
	return nil
}

// Close detaches the task and doesn't cancel it. When its value comes, it's
// closed. You may poll the handle again, as long as the task hasn't ended.
func (h *JoinHandle[T]) Close() error {
	h.task.joiner = nil
	if h.task.taken {
		return nil
	}
	h.task.taken = true
	if h.task.state != ended {
		return nil
	}
	h.report()
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
	if h.value, ready = h.future.Poll(cx); !ready {
		return false
	}
	h.future = nil
	if h.task.taken {
		closeValue(h.value)
	}
	return true
}

// abandon closes the future. If that panics, the executor calls it again, and
// the handle keeps the first panic.
func (h *JoinHandle[T]) abandon(fault *PanicError) {
	f := h.future
	h.future, h.fault, h.task.abandoned = nil, cmp.Or(h.fault, fault), true
	Close(f)
}

// report tells of a failure that nothing waits for. The program may have dropped
// the handle, so it might never learn of the failure from there.
func (h *JoinHandle[T]) report() {
	if h.fault != nil {
		h.task.taken = true // once is enough
		h.task.cx.report(fmt.Errorf("task %d, that nothing waits for: %w\n%s", h.task.ID, h.fault, h.fault.Stack))
	}
}
