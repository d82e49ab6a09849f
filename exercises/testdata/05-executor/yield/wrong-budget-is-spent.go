// want: with its budget spent
package main

// Yield is a future that lets the others have their turn.
type Yield struct{ yielded bool }

// Poll wakes its own task, which goes to the end of the queue.
func (y *Yield) Poll(cx *Context) (struct{}, bool) {
	if y.yielded {
		return struct{}{}, true
	}
	y.yielded = true
	cx.Waker().Wake()
	return struct{}{}, false
}

// Steps is a long calculation, as a future that lets the others have their turn.
type Steps struct {
	N      int         // so many steps,
	Budget int         // at most so many in one poll, at least 1
	Do     func(i int) // does step i: 0, 1, 2 ... N-1

	next  int
	spent int
}

// Poll does as many steps as the budget has left.
func (s *Steps) Poll(cx *Context) (struct{}, bool) {
	for s.next < s.N {
		if s.spent == s.Budget {
			cx.Waker().Wake()
			return struct{}{}, false
		}
		s.Do(s.next)
		s.next++
		s.spent++
	}
	return struct{}{}, true
}
