package main

// Joined is many futures as one. Unlike the chapter's JoinAll, it polls only the
// ones that have been woken.
type Joined[T any] struct{}

// NewJoined polls nothing yet. It's yours to write.
func NewJoined[T any](futures ...Future[T]) *Joined[T] {
	return &Joined[T]{}
}

// Poll polls the children that were woken, and is ready when all have finished.
// It's yours to write.
func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	return nil, false // not started
}
