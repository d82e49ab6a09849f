package main

// JoinAll takes over the futures and yields their values in argument order.
func JoinAll[T any](futures ...Future[T]) Future[[]T] {
	return &joinAll[T]{futures: futures, values: make([]T, len(futures)), left: len(futures)}
}

type joinAll[T any] struct {
	futures []Future[T] // a future that has finished is replaced by nil
	values  []T
	left    int // how many haven't finished; -1 once Poll has returned true, or after Close
}

func (j *joinAll[T]) Poll(cx *Context) ([]T, bool) {
	if j.left < 0 {
		panic("JoinAll polled after it finished")
	}
	for i, f := range j.futures {
		if f == nil {
			continue
		}
		if value, ready := f.Poll(cx); ready {
			j.values[i], j.futures[i] = value, nil
			j.left--
		}
	}
	if j.left > 0 {
		return nil, false
	}
	j.left = -1
	return j.values, true
}

// Close closes the futures that haven't finished.
func (j *joinAll[T]) Close() error {
	for _, f := range j.futures {
		Close(f)
	}
	j.futures, j.left = nil, -1
	return nil
}
