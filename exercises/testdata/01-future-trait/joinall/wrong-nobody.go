// want: JoinAll of nobody is pending
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
		if value, ready := f.Poll(cx); ready {
			j.values[i], j.futures[i], j.left = value, nil, j.left-1
			if j.left == 0 { // that was the last one
				return j.values, true
			}
		}
	}
	return nil, false
}

// Close abandons the futures that have not finished.
func (j *Joined[T]) Close() error {
	for _, f := range j.futures {
		Close(f)
	}
	j.futures, j.left = nil, -1
	return nil
}
