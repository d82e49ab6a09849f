package main

// Joined is many futures as one. Unlike the chapter's, it polls only those that
// somebody has woken.
type Joined[T any] struct{}

// NewJoined polls nothing yet. It is yours to write.
func NewJoined[T any](futures ...Future[T]) *Joined[T] {
	return &Joined[T]{}
}

// Poll polls the children that were woken, and is ready when all have finished.
// It is yours to write.
func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	return nil, false // not started
}
