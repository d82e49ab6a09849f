package main

// Yield is a future that lets other tasks have their turn.
type Yield struct{}

// Poll is yours to write.
func (y *Yield) Poll(cx *Context) (struct{}, bool) {
	return struct{}{}, true // not started
}

// Steps is a long calculation, as a future that lets other tasks have their turn.
type Steps struct {
	N      int         // so many steps,
	Budget int         // at most so many in one poll, at least 1
	Do     func(i int) // does step i: 0, 1, 2 ... N-1
}

// Poll is yours to write.
func (s *Steps) Poll(cx *Context) (struct{}, bool) {
	return struct{}{}, true // not started
}
