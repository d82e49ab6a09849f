// want: was closed, in that Poll or by a Close after it
package main

import "errors"

type Result[T any] struct {
	Value T
	Err   error
}

func TryJoinAll[T any](futures ...Future[Result[T]]) Future[Result[[]T]] {
	return &tryJoinAll[T]{futures: futures, values: make([]T, len(futures)), left: len(futures)}
}

type tryJoinAll[T any] struct {
	futures []Future[Result[T]]
	values  []T
	left    int
}

func (j *tryJoinAll[T]) Poll(cx *Context) (r Result[[]T], ready bool) {
	for i, f := range j.futures {
		if f == nil {
			continue
		}
		v, ok := f.Poll(cx)
		if !ok {
			continue
		}
		if j.left--; j.left == 0 && v.Err != nil {
			return Result[[]T]{Err: v.Err}, true // no others are left to close
		}
		j.futures[i] = nil
		if v.Err != nil {
			j.Close()
			return Result[[]T]{Err: v.Err}, true
		}
		j.values[i] = v.Value
	}
	if j.left > 0 {
		return r, false
	}
	return Result[[]T]{Value: j.values}, true
}

func (j *tryJoinAll[T]) Close() error {
	var errs []error
	for i, f := range j.futures {
		j.futures[i] = nil
		errs = append(errs, Close(f))
	}
	return errors.Join(errs...)
}
