// want: all children had finished, and a Close after that
package main

import "errors"

// A Result is what a future yields if it may fail: a value, or else an error.
type Result[T any] struct {
	Value T
	Err   error
}

// TryJoinAll owns the futures now. It yields all their values, in argument order,
// or else the error of the first future that fails.
func TryJoinAll[T any](futures ...Future[Result[T]]) Future[Result[[]T]] {
	return &tryJoinAll[T]{futures: futures, values: make([]T, len(futures)), left: len(futures)}
}

type tryJoinAll[T any] struct {
	futures []Future[Result[T]] // nil where one has finished
	values  []T
	left    int
}

func (j *tryJoinAll[T]) Poll(cx *Context) (r Result[[]T], ready bool) {
	for i, f := range j.futures {
		if f == nil {
			continue
		}
		child, ready := f.Poll(cx)
		if !ready {
			continue
		}
		j.left--
		j.values[i] = child.Value
		if j.left == 0 && child.Err == nil {
			break // all are there
		}
		j.futures[i] = nil // finished, so it isn't ours to close anymore
		if child.Err != nil {
			j.Close()
			r.Err = child.Err
			return r, true
		}
	}
	if j.left > 0 {
		return r, false
	}
	r.Value = j.values
	return r, true
}

// Close closes the futures that haven't finished, all of them.
func (j *tryJoinAll[T]) Close() error {
	var errs []error
	for i, f := range j.futures {
		j.futures[i] = nil
		errs = append(errs, Close(f))
	}
	return errors.Join(errs...)
}
