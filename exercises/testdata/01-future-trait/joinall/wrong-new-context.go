// want: without the Context
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
	closed  error
	cx      *Context
}

func (j *tryJoinAll[T]) Poll(cx *Context) (r Result[[]T], ready bool) {
	if j.cx == nil {
		j.cx = cx
	}
	for i, f := range j.futures {
		if f == nil {
			continue
		}
		v, ok := f.Poll(new(Context))
		if !ok {
			continue
		}
		j.futures[i] = nil
		j.left--
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
