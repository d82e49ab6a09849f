package main

// Joined is the future that JoinAll makes. Its fields are yours to choose.
type Joined[T any] struct {
	futures []Future[T]
}

// JoinAll owns the futures now, and yields their values in argument order.
func JoinAll[T any](futures ...Future[T]) *Joined[T] {
	return &Joined[T]{futures: futures}
}

// Poll is yours to write.
func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	return nil, false // not started
}

// Close is yours to write: it abandons the futures that have not finished.
func (j *Joined[T]) Close() error {
	return nil // not started
}
