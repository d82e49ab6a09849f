package main

// Result is the value of something that can fail.
type Result[T any] struct {
	Value T
	Err   error
}

// Close closes a value that nobody wants.
func (r Result[T]) Close() error {
	if r.Err != nil {
		return nil
	}
	return Close(r.Value)
}

// JoinHandle is the future of a task's end: its value, or ErrCancelled, or a
// *PanicError. To drop it is to detach the task, which runs on.
type JoinHandle[T any] struct {
	task   Task
	future Future[T]
	value  T
	err    error
}

// Spawn makes f a task, which is polled without having been woken. Any
// goroutine may call it, also from inside a task. After rt.Close the handle
// says ErrCancelled.
func Spawn[T any](rt *Runtime, f Future[T]) *JoinHandle[T] {
	h := &JoinHandle[T]{future: f}
	h.task.work = h
	rt.spawn(&h.task)
	return h
}

// Poll is for one task of the same runtime at a time: the latest that polled
// is woken.
func (h *JoinHandle[T]) Poll(cx *Context) (Result[T], bool) {
	if h.task.runtime != cx.task.runtime {
		panic("JoinHandle polled by a task of another runtime") // whose goroutine is another
	}
	if h.task.done {
		h.task.taken = true
		return Result[T]{h.value, h.err}, true
	}
	h.task.joiner, h.task.taken = cx.waker, false // wanted again, if it was closed
	cx.task.waits = &h.task
	return Result[T]{}, false
}

// Close detaches the task. It does not cancel it. The value, unless Poll has
// given it to somebody, is closed when it is there: so a handle that is to be
// polled again is, before the task ends.
func (h *JoinHandle[T]) Close() error {
	h.task.joiner = nil
	if h.task.taken {
		return nil
	}
	h.task.taken = true
	if !h.task.done {
		return nil
	}
	return Result[T]{h.value, h.err}.Close()
}

// Cancel makes the runtime close the task's future before its next poll. Any
// goroutine may call it, a task also for itself. It does nothing to a task
// that has ended.
func (h *JoinHandle[T]) Cancel() {
	h.task.cancel.Store(true)
	h.task.Wake()
}

func (h *JoinHandle[T]) poll(cx *Context) (ready bool) {
	if h.value, ready = h.future.Poll(cx); ready {
		h.future = nil
		if h.task.taken {
			Close(h.value)
		}
	}
	return ready
}

func (h *JoinHandle[T]) abandon(err error) {
	f := h.future
	h.future, h.err = nil, err // first: Close may panic, and is not called twice
	Close(f)
}
