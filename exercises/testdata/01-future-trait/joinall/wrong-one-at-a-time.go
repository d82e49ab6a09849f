// want: child 1 was polled 0 times
package main

// Joined is the future that JoinAll makes.
type Joined[T any] struct {
	futures []Future[T] // nil where one has finished
	values  []T
	left    int // -1 once Poll has returned true, or after Close
}

// JoinAll owns the futures now, and yields their values in argument order.
func JoinAll[T any](futures ...Future[T]) *Joined[T] {
	return &Joined[T]{futures, make([]T, len(futures)), len(futures)}
}

func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	if j.left < 0 {
		panic("JoinAll polled after it finished")
	}
	for i, f := range j.futures {
		if f == nil {
			continue
		}
		value, ready := f.Poll(cx)
		if !ready {
			return nil, false // wait for this one before the next
		}
		j.values[i], j.futures[i], j.left = value, nil, j.left-1
	}
	if j.left > 0 {
		return nil, false
	}
	j.left = -1
	return j.values, true
}

// Close abandons the futures that have not finished.
func (j *Joined[T]) Close() error {
	for _, f := range j.futures {
		Close(f)
	}
	j.futures, j.left = nil, -1
	return nil
}
