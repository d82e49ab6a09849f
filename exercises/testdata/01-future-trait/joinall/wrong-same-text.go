// want: with the same text
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
		futures: append([]Future[Result[T]](nil), futures...),
		values:  make([]T, len(futures)),
		left:    len(futures),
	}
}

type tryJoinAll[T any] struct {
	futures []Future[Result[T]] // nil: has finished
	values  []T
	left    int
}

func (j *tryJoinAll[T]) Poll(cx *Context) (r Result[[]T], ready bool) {
	for i, f := range j.futures {
		if f == nil {
			continue
		}
		child, ok := f.Poll(cx)
		if !ok {
			continue
		}
		j.futures[i] = nil
		j.left--
		if child.Err != nil {
			j.Close()
			r.Err = child.Err
			return r, true
		}
		j.values[i] = child.Value
	}
	if j.left > 0 {
		return r, false
	}
	r.Value = j.values
	return r, true
}

// Close doesn't say the same thing ten times.
func (j *tryJoinAll[T]) Close() (err error) {
	texts := make(map[string]error)
	for i, f := range j.futures {
		j.futures[i] = nil
		if e := Close(f); e != nil {
			texts[e.Error()] = e
		}
	}
	for _, e := range texts {
		err = errors.Join(err, e)
	}
	return err
}
