package main

import "fmt"

// JoinHandle is ready when its task has ended, with its value, or ErrCancelled, or a
// *PanicError. Its methods are for the tasks of the runtime, except Cancel.
type JoinHandle[T any] struct {
	task   Task
	future Future[T] // nil once it's ready or closed
	value  T
	err    error // why the future was closed before it was ready
}

// BlockOn runs f and all other tasks until f is ready. It panics in a task, or while another
// BlockOn runs. It fails with a *PanicError, with ErrCancelled if the runtime is closed, with a
// *DeadlockError if nothing can wake any task, or with the poller's error. Tasks that haven't
// ended, f too, stay as they are until the next BlockOn, or until Close.
func BlockOn[T any](rt *Runtime, f Future[T]) (value T, err error) {
	h := new(JoinHandle[T])
	rt.run(func() {
		if h.task.ID == 0 { // or else this is called again, after a runtime.Goexit
			h.spawn(rt, f, caller{})
		}
		err = rt.loop(&h.task)
	})
	if err != nil {
		h.Close() // f remains a task, but its value has no receiver; safe here, since nothing runs
		return value, err
	}
	r := h.result()
	return r.Value, r.Err
}

// caller is BlockOn as a joiner. It needs no wake, but without a joiner a panic would be reported.
type caller struct{}

func (caller) Wake() {}

// Spawn makes f a task of the runtime that polls the caller; its first poll comes later. In an
// Async body, cx is co.cx.
func Spawn[T any](cx *Context, f Future[T]) *JoinHandle[T] {
	h := new(JoinHandle[T])
	h.spawn(cx.runtime(), f, nil)
	return h
}

// SpawnRemote is Spawn for any goroutine. Once the runtime is closed, it closes f here,
// on the goroutine that calls it, and f never runs.
func SpawnRemote[T any](rt *Runtime, f Future[T]) *JoinHandle[T] {
	h := new(JoinHandle[T])
	if !rt.wakeRemote(h.init(rt, f)) {
		h.task.state = ended
		h.abandon(ErrCancelled)
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

func (h *JoinHandle[T]) spawn(rt *Runtime, f Future[T], joiner Waker) {
	h.init(rt, f).joiner = joiner
	rt.spawn(&h.task)
}

// Poll wakes only the latest task that polled the handle, and none if the handle was closed
// since. Once the task has ended, each Poll yields the value.
func (h *JoinHandle[T]) Poll(cx *Context) (Result[T], bool) {
	if h.task.runtime != cx.runtime() {
		panic("JoinHandle polled by a task of another runtime") // that would be another goroutine
	}
	if h.task.state == ended {
		return h.result(), true
	}
	h.task.joiner, h.task.taken = cx.waker, false // if Close had given up the value, it's wanted again
	cx.waitsFor("another task")
	return Result[T]{}, false
}

// result hands over the value, which the receiver owns from now on.
func (h *JoinHandle[T]) result() Result[T] {
	h.task.taken = true
	return Result[T]{h.value, h.err}
}

// Close detaches the task and doesn't cancel it. The value is closed as soon as
// it's there. You may poll the handle again, as long as the task hasn't ended.
func (h *JoinHandle[T]) Close() error {
	h.task.joiner = nil
	if h.task.taken {
		return nil
	}
	h.task.taken = true
	if h.reportPanic(); h.task.state != ended || h.err != nil {
		return nil
	}
	return closeValue(h.value)
}

// Cancel makes the runtime close the task's future instead of polling it again. The
// handle then yields ErrCancelled. Any goroutine may call it, and a task may cancel
// itself. A task that has ended stays as it is.
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

// abandon closes the future. If its Close panics, Runtime.fail calls abandon again with that
// panic, which replaces ErrCancelled, but not an earlier panic.
func (h *JoinHandle[T]) abandon(err error) {
	defer Close(h.future)
	h.future = nil
	if h.err == nil || h.err == ErrCancelled {
		h.err = err
	}
}

// reportPanic tells of a panic that nothing waits for. The program may have dropped
// the handle, so it might never learn of the panic from there.
func (h *JoinHandle[T]) reportPanic() {
	if fault, ok := h.err.(*PanicError); ok && h.task.state == ended {
		h.task.taken = true // once is enough
		h.task.cx.report(fmt.Errorf("nothing waits for task %d: %w\n%s", h.task.ID, fault, fault.Stack))
	}
}
