package main

// JoinAll owns the futures from now on, and yields their values in the order of
// the arguments. Each Poll polls all that aren't ready.
func JoinAll[T any](futures ...Future[T]) Future[[]T] {
	return &joinAll[T]{children: futures, values: make([]T, len(futures)), left: len(futures)}
}

type joinAll[T any] struct {
	children []Future[T] // nil where one has finished
	values   []T
	left     int // children that haven't finished; -1 once this future has
	first    int // the child that the next Poll begins with
}

func (j *joinAll[T]) Poll(cx *Context) ([]T, bool) {
	if j.left < 0 {
		panic("JoinAll polled after it finished")
	}
	first := j.first
	j.first++ // one child further: it's not always the same one that goes without
	for i := range j.children {
		i = (first + i) % len(j.children)
		if j.children[i] == nil {
			continue
		}
		couldTransfer := cx.hasBudget()
		value, ready := j.children[i].Poll(cx)
		if ready {
			j.values[i], j.children[i] = value, nil
			j.left--
		}
		if couldTransfer && !cx.hasBudget() {
			j.first = i + 1 // this child has used up the budget, so it's last next time
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
	if j.left < 0 {
		return nil
	}
	j.left = -1
	var abandoned []any
	for i, f := range j.children {
		if f != nil {
			abandoned = append(abandoned, f)
		} else {
			abandoned = append(abandoned, j.values[i])
		}
	}
	return closeAll(abandoned...)
}
