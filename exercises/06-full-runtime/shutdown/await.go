package main

import "iter"

// Co is what the body of an Async function awaits with. It is for the
// goroutine of that body only.
type Co struct {
	cx      *Context
	yield   func(struct{}) bool
	stopped bool
}

// stopped unwinds a body whose coroutine has been closed.
type stopped struct{}

// Coroutine is the future that Async makes.
type Coroutine[T any] struct {
	body  func(*Co) T
	co    Co
	next  func() (struct{}, bool) // nil before the first Poll
	stop  func()
	value T
	fault *PanicError // a panic of the body

	finished bool
}

// Async makes a future of straight-line code, which waits with Await. The
// body has a stack of its own, and starts at the first Poll. Closing the
// future unwinds it: its deferred calls run.
func Async[T any](body func(co *Co) T) *Coroutine[T] { return &Coroutine[T]{body: body} }

// Await suspends the body until f is ready.
func Await[T any](co *Co, f Future[T]) T {
	if co.stopped {
		co.suspend(f)
	}
	for {
		if value, ready := f.Poll(co.cx); ready {
			return value
		}
		co.suspend(f)
	}
}

// suspend returns to whoever polls the coroutine, and comes back with the next
// poll. If there is none, f is abandoned, and the body with it.
func (co *Co) suspend(f any) {
	if !co.stopped && co.yield(struct{}{}) {
		return
	}
	co.stopped = true
	Close(f)
	panic(stopped{})
}

// Poll runs the body until it awaits something that is not ready.
func (c *Coroutine[T]) Poll(cx *Context) (value T, ready bool) {
	if c.finished {
		panic("Async polled after it finished")
	}
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

// run is the coroutine. A panic must not leave it: its stack would be lost.
func (c *Coroutine[T]) run(yield func(struct{}) bool) {
	defer func() {
		switch v := recover().(type) {
		case nil, stopped:
		default:
			c.fault = asPanicError(v)
		}
	}()
	c.co.yield = yield
	c.value = c.body(&c.co)
}

// Close unwinds the body, if it has started and not returned.
func (c *Coroutine[T]) Close() error {
	c.finished = true
	if c.stop != nil {
		c.stop()
	}
	c.rethrow()
	return nil
}

// rethrow lets a panic of the body go on where the future is polled or closed.
func (c *Coroutine[T]) rethrow() {
	if fault := c.fault; fault != nil {
		c.fault = nil
		panic(fault)
	}
}
