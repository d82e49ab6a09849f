package main

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"
)

// A stand-in for the chapter's runtime, without sockets. It has the same names,
// and runs on one goroutine. When no task can go on, its clock jumps to the next
// timer.

// Runtime has tasks and timers.
type Runtime struct {
	now    time.Duration
	queue  []*Task // those that were woken
	tasks  []*Task // all that haven't ended
	timers []*sleep
	faults []*PanicError
}

// Report is what is left.
type Report struct{ Tasks, Timers int }

func (rt *Runtime) Report() Report { return Report{len(rt.tasks), len(rt.timers)} }

var (
	ErrCancelled = errors.New("task cancelled")
	ErrTimeout   = errors.New("timeout")
	errDeadlock  = errors.New("no task can be woken")
)

// PanicError is the end of a task that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("task panicked: %v", e.Value) }

// Context is what a future gets in each Poll.
type Context struct {
	waker   Waker
	runtime *Runtime
}

// wakeLocal wakes w on the runtime's own goroutine. w may be nil.
func wakeLocal(w Waker) {
	if w != nil {
		w.Wake()
	}
}

// Task is a future that the runtime polls.
type Task struct {
	runtime                  *Runtime
	queued, cancelled, ended bool
	poll                     func(cx *Context) (ready bool)
	close                    func()
	err                      error
	joiner                   Waker
}

func (t *Task) Wake() {
	if !t.queued && !t.ended {
		t.queued = true
		t.runtime.queue = append(t.runtime.queue, t)
	}
}

// Result is what a handle, or a Timeout, yields.
type Result[T any] struct {
	Value T
	Err   error
}

// JoinHandle is a future of what becomes of a task.
type JoinHandle[T any] struct {
	task  *Task
	value T
}

// Spawn starts a task from within another one.
func Spawn[T any](cx *Context, f Future[T]) *JoinHandle[T] { return SpawnRemote(cx.runtime, f) }

// SpawnRemote starts a task from outside.
func SpawnRemote[T any](rt *Runtime, f Future[T]) *JoinHandle[T] {
	h := new(JoinHandle[T])
	h.task = &Task{runtime: rt, close: func() { Close(f) }, poll: func(cx *Context) (ready bool) {
		h.value, ready = f.Poll(cx)
		return ready
	}}
	rt.tasks = append(rt.tasks, h.task)
	h.task.Wake()
	return h
}

func (h *JoinHandle[T]) Poll(cx *Context) (Result[T], bool) {
	if !h.task.ended {
		h.task.joiner = cx.waker
		return Result[T]{}, false
	}
	return Result[T]{h.value, h.task.err}, true
}

// Close leaves the task to itself: it runs on.
func (h *JoinHandle[T]) Close() error {
	h.task.joiner = nil
	return nil
}

// Cancel asks the task to end. It does when it's next polled: its future is closed.
func (h *JoinHandle[T]) Cancel() {
	h.task.cancelled = true
	h.task.Wake()
}

// BlockOn runs the tasks until f is ready.
func BlockOn[T any](rt *Runtime, f Future[T]) (T, error) {
	h := SpawnRemote(rt, f)
	for !h.task.ended {
		if len(rt.queue) == 0 {
			if len(rt.timers) == 0 {
				return h.value, errDeadlock
			}
			rt.timers[0].fire()
			continue
		}
		t := rt.queue[0]
		rt.queue = rt.queue[1:]
		t.queued = false
		rt.poll(t)
	}
	return h.value, h.task.err
}

func (rt *Runtime) poll(t *Task) {
	if t.cancelled {
		t.err = ErrCancelled
		rt.apart(t.close)
	} else {
		ready := false
		if fault := rt.apart(func() { ready = t.poll(&Context{t, rt}) }); fault != nil {
			t.err = fault
			rt.apart(t.close)
		} else if !ready {
			return
		}
	}
	t.ended = true
	rt.tasks = slices.DeleteFunc(rt.tasks, func(other *Task) bool { return t == other })
	wakeLocal(t.joiner)
}

func (rt *Runtime) apart(f func()) (fault *PanicError) {
	defer func() {
		if v := recover(); v != nil {
			fault = &PanicError{v, debug.Stack()}
			rt.faults = append(rt.faults, fault)
		}
	}()
	f()
	return nil
}

// Sleep is ready d after its first Poll.
func Sleep(d time.Duration) Future[struct{}] { return &sleep{d: d} }

type sleep struct {
	d        time.Duration
	runtime  *Runtime // nil before the first Poll
	deadline time.Duration
	waker    Waker
	fired    bool
}

func (s *sleep) Poll(cx *Context) (struct{}, bool) {
	if s.waker = cx.waker; s.runtime == nil {
		s.runtime, s.deadline = cx.runtime, cx.runtime.now+s.d
		i := 0
		for i < len(s.runtime.timers) && s.runtime.timers[i].deadline <= s.deadline {
			i++
		}
		s.runtime.timers = slices.Insert(s.runtime.timers, i, s)
	}
	return struct{}{}, s.fired
}

func (s *sleep) fire() {
	s.runtime.now, s.fired = s.deadline, true
	s.Close()
	s.waker.Wake()
}

func (s *sleep) Close() error {
	if s.runtime != nil {
		s.runtime.timers = slices.DeleteFunc(s.runtime.timers, func(other *sleep) bool { return s == other })
	}
	return nil
}

// Timeout is ready with the value of f, or with ErrTimeout after d.
func Timeout[T any](f Future[T], d time.Duration) Future[Result[T]] {
	return &timeout[T]{f, sleep{d: d}}
}

type timeout[T any] struct {
	future Future[T] // nil when it's over
	sleep  sleep
}

func (t *timeout[T]) Poll(cx *Context) (r Result[T], ready bool) {
	if r.Value, ready = t.future.Poll(cx); ready {
		t.future = nil
	} else if _, ready = t.sleep.Poll(cx); ready {
		r.Err = ErrTimeout
	}
	if ready {
		t.Close()
	}
	return r, ready
}

func (t *timeout[T]) Close() error {
	f := t.future
	t.future = nil
	t.sleep.Close()
	return Close(f)
}

// JoinAll yields all values.
func JoinAll[T any](futures ...Future[T]) Future[[]T] {
	return &joinAll[T]{futures, make([]T, len(futures)), make([]bool, len(futures))}
}

type joinAll[T any] struct {
	futures []Future[T]
	values  []T
	done    []bool
}

func (j *joinAll[T]) Poll(cx *Context) ([]T, bool) {
	all := true
	for i, f := range j.futures {
		if !j.done[i] {
			j.values[i], j.done[i] = f.Poll(cx)
		}
		all = all && j.done[i]
	}
	return j.values, all
}

func (j *joinAll[T]) Close() error {
	for i, f := range j.futures {
		if !j.done[i] {
			Close(f)
		}
	}
	return nil
}

// Async makes a future of a function that can Await others. If it's closed, the
// function's deferred calls run, unless it hasn't begun.
func Async[T any](body func(co *Co) T) Future[T] { return &coroutine[T]{body: body} }

// Co is what a body awaits with.
type Co struct {
	cx     *Context // of the latest poll
	yield  func(struct{}) bool
	closed bool
}

type unwind struct{}

func (co *Co) suspend() {
	if co.closed || !co.yield(struct{}{}) {
		co.closed = true
		panic(unwind{})
	}
}

// Await returns the value of f.
func Await[T any](co *Co, f Future[T]) T {
	owned := f
	defer func() { Close(owned) }()
	for {
		if value, ready := f.Poll(co.cx); ready {
			owned = nil
			return value
		}
		co.suspend()
	}
}

type coroutine[T any] struct {
	body  func(*Co) T
	co    Co
	next  func() (struct{}, bool)
	stop  func()
	value T
}

func (c *coroutine[T]) Poll(cx *Context) (value T, ready bool) {
	if c.next == nil {
		c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
			defer func() {
				if v := recover(); v != nil && v != (unwind{}) {
					panic(v)
				}
			}()
			c.co.yield = yield
			c.value = c.body(&c.co)
		})
	}
	c.co.cx = cx
	if _, suspended := c.next(); suspended {
		return value, false
	}
	return c.value, true
}

func (c *coroutine[T]) Close() error {
	if c.stop != nil {
		c.stop()
	}
	return nil
}
