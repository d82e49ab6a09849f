// want: known by its place
package main

import "errors"

// A Result is what a future yields if it may fail: a value, or else an error.
type Result[T any] struct {
	Value T
	Err   error
}

// TryJoinAll yields all values, or else the error of the first future that fails.
func TryJoinAll[T any](futures ...Future[Result[T]]) Future[Result[[]T]] {
	return &tryJoinAll[T]{
		futures:  append([]Future[Result[T]](nil), futures...),
		finished: make(map[Future[Result[T]]]T),
	}
}

type tryJoinAll[T any] struct {
	futures  []Future[Result[T]]
	finished map[Future[Result[T]]]T // with their values
}

func (j *tryJoinAll[T]) Poll(cx *Context) (r Result[[]T], ready bool) {
	left := 0
	for _, f := range j.futures {
		if _, ok := j.finished[f]; ok {
			continue
		}
		child, ok := f.Poll(cx)
		if !ok {
			left++
			continue
		}
		j.finished[f] = child.Value
		if child.Err != nil {
			j.Close()
			r.Err = child.Err
			return r, true
		}
	}
	if left > 0 {
		return r, false
	}
	for _, f := range j.futures {
		r.Value = append(r.Value, j.finished[f])
	}
	return r, true
}

func (j *tryJoinAll[T]) Close() error {
	rest := j.futures
	j.futures = nil
	var errs []error
	for _, f := range rest {
		if _, ok := j.finished[f]; !ok {
			errs = append(errs, Close(f))
		}
	}
	return errors.Join(errs...)
}
