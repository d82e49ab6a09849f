package main

// Counted is a future around a future: it adds 1 to *Polls with each Poll.
type Counted[T any] struct {
	Future Future[T]
	Polls  *int
}

func (c Counted[T]) Poll(cx *Context) (T, bool) {
	*c.Polls++
	return c.Future.Poll(cx)
}

// Close forwards: a wrapper that swallowed it would leak what is inside.
func (c Counted[T]) Close() error { return Close(c.Future) }
