package main

// A Result is what a future yields if it may fail: a value, or else an error.
type Result[T any] struct {
	Value T
	Err   error
}

// TryJoinAll owns the futures now. It yields all their values, in argument order,
// or else the error of the first future that fails.
func TryJoinAll[T any](futures ...Future[Result[T]]) Future[Result[[]T]] {
	return &tryJoinAll[T]{futures: futures}
}

// The fields of tryJoinAll are yours to choose.
type tryJoinAll[T any] struct {
	futures []Future[Result[T]]
}

// Poll is yours to write.
func (j *tryJoinAll[T]) Poll(cx *Context) (r Result[[]T], ready bool) {
	return r, false // not started
}

// Close is yours to write.
func (j *tryJoinAll[T]) Close() error {
	return nil
}
