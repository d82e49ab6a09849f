package main

// JoinAll owns the futures from the call on, and their slice, which it overwrites. It
// yields their values in argument order. Each Poll polls all that aren't ready.
func JoinAll[T any](futures ...Future[T]) Future[[]T] {
	return &joinAll[T]{children: futures, values: make([]T, len(futures)), left: len(futures)}
}

type joinAll[T any] struct {
	children []Future[T] // nil where one has finished
	values   []T
	left     int // children that haven't finished; -1 once this future has
	first    int // the child that Poll begins with
}

func (j *joinAll[T]) Poll(cx *Context) ([]T, bool) {
	mustBePending(j.left >= 0, "JoinAll")
	for i, first := 0, j.first; i < len(j.children); i++ {
		c := (first + i) % len(j.children)
		if j.children[c] == nil {
			continue
		}
		had := cx.hasBudget()
		if value, ready := j.children[c].Poll(cx); ready {
			j.values[c], j.children[c] = value, nil
			j.left--
		}
		if had && !cx.hasBudget() {
			j.first = c + 1 // this child has used up the budget, so it's last next time
		}
	}
	if j.left > 0 {
		return nil, false
	}
	j.left = -1
	return j.values, true
}

// Close closes the futures that haven't finished and the values of the others.
func (j *joinAll[T]) Close() error {
	var held []any
	for i, f := range j.children {
		if f != nil {
			held = append(held, asFuture{f})
		} else if j.left >= 0 {
			held = append(held, j.values[i])
		}
	}
	j.left, j.children = -1, nil
	return closeAll(held...)
}
