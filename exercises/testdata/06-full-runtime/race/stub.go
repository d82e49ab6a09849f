package main

// Context stands in for the chapter's. A race only passes it on.
type Context struct{ waker Waker }

// Waker returns what asks for another poll of the future that is polled with cx.
func (cx *Context) Waker() Waker { return cx.waker }

// Won is what a Race yields: which future was first, counted from 0, and its
// value.
type Won[T any] struct {
	Index int
	Value T
}

// Raced is the future that Race makes. Its fields are yours.
type Raced[T any] struct{}

// Race is ready when one of the futures is, and closes the others before it
// yields the value. It's yours to write.
func Race[T any](futures ...Future[T]) *Raced[T] { return &Raced[T]{} }

// Poll is yours to write.
func (r *Raced[T]) Poll(cx *Context) (Won[T], bool) {
	return Won[T]{}, false // not started
}

// Close abandons all of them. It's yours to write.
func (r *Raced[T]) Close() error { return nil }
