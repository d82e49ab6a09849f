package main

import "iter"

// Async makes a future of straight-line code, which waits with Await. The body
// has a stack of its own and starts at the first Poll. Closing the future unwinds the
// body: its deferred calls run. A panic of the body comes out of Poll or Close.
func Async[T any](body func(co *Co) T) Future[T] { return &coroutine[T]{body: body} }

// Await suspends the body until f is ready. It owns f, and closes it on every other way
// out: the coroutine is closed (then f isn't polled), or f panics or calls runtime.Goexit.
func Await[T any](co *Co, f Future[T]) T {
	owned := f
	defer func() { Close(owned) }()
	for !co.closed {
		if value, ready := f.Poll(co.cx); ready {
			owned = nil
			return value
		}
		co.suspend()
	}
	panic(unwind{}) // a deferred call of the body awaits
}

// Co is what the body of an Async awaits with. Only that body may use it.
type Co struct {
	cx     *Context // of the latest poll
	yield  func(struct{}) bool
	closed bool // the coroutine has been closed
}

// unwind is the panic that unwinds a body whose coroutine has been closed.
type unwind struct{}

// suspend returns to the executor, and comes back with the next poll. If there
// is none, because the coroutine is closed, it unwinds the body.
func (co *Co) suspend() {
	if co.closed || !co.yield(struct{}{}) {
		co.closed = true
		panic(unwind{})
	}
}

// wait suspends the body until s has an event in dir, or something else polls the task.
// If the body is unwound here, it takes its waker back: the source may live on.
func (co *Co) wait(s *source, dir direction) {
	cx := co.cx
	s.setWaker(dir, cx)
	defer s.removeWaker(dir, cx)
	co.suspend()
}

type coroutine[T any] struct {
	body     func(*Co) T
	co       Co
	next     func() (struct{}, bool) // nil before the first Poll
	stop     func()
	value    T
	returned bool        // the body has returned value
	fault    *PanicError // a panic of the body
	finished bool        // Poll was ready or has panicked, or Close was called
}

// Poll runs the body until it awaits something that isn't ready.
func (c *coroutine[T]) Poll(cx *Context) (value T, ready bool) {
	mustBePending(!c.finished, "Async")
	if c.next == nil {
		c.next, c.stop = iter.Pull(c.run)
	}
	c.co.cx = cx
	if _, suspended := c.next(); suspended {
		return value, false
	}
	c.finished = true
	c.rethrow()
	return c.value, true
}

// run is the coroutine. It keeps a panic of the body, whose stack iter.Pull would lose.
func (c *coroutine[T]) run(yield func(struct{}) bool) {
	defer func() {
		switch v := recover().(type) {
		case nil, unwind:
		default:
			c.fault = asPanicError(v)
		}
	}()
	c.co.yield = yield
	c.value = c.body(&c.co)
	c.returned = true
}

// Close unwinds a body that has started and not returned. If the body recovers and returns
// all the same, its value is closed.
func (c *coroutine[T]) Close() error {
	if c.finished {
		return nil
	}
	c.finished = true
	if c.stop != nil {
		c.stop()
	}
	c.rethrow()
	if !c.returned {
		return nil
	}
	return closeValue(c.value)
}

// rethrow lets a panic of the body go on where the future is polled or closed.
func (c *coroutine[T]) rethrow() {
	if c.fault != nil {
		panic(c.fault)
	}
}
