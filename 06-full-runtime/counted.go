package main

// Counted returns a future that behaves like f and adds 1 to *polls at each Poll.
func Counted[T any](f Future[T], polls *int) Future[T] { return counted[T]{f, polls} }

type counted[T any] struct {
	future Future[T]
	polls  *int
}

func (c counted[T]) Poll(cx *Context) (T, bool) {
	*c.polls++
	return c.future.Poll(cx)
}

// Close closes the inner future. A wrapper without Close would leak it.
func (c counted[T]) Close() error { return Close(c.future) }
