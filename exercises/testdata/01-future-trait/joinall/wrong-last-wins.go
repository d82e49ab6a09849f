// want: failed when all others had finished: Poll gave the values
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
		j.futures[i], j.values[i] = nil, v.Value
		if j.left--; j.left == 0 {
			break // the last one is there: done
		}
		if v.Err != nil {
			j.Close()
			return Result[[]T]{Err: v.Err}, true
		}
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
