// want: Yield at its first poll gave true
package main

import "runtime"

// Yield is a future that lets the others have their turn.
type Yield struct{}

// Poll lets others run, and goes on.
func (y *Yield) Poll(cx *Context) (struct{}, bool) {
	runtime.Gosched()
	return struct{}{}, true
}

// Steps is a long calculation, as a future that lets the others have their turn.
type Steps struct {
	N      int         // so many steps,
	Budget int         // at most so many in one poll, at least 1
	Do     func(i int) // does step i: 0, 1, 2 ... N-1

	next int
}

// Poll lets others run after each Budget of steps.
func (s *Steps) Poll(cx *Context) (struct{}, bool) {
	for ; s.next < s.N; s.next++ {
		if s.next > 0 && s.next%s.Budget == 0 {
			runtime.Gosched()
		}
		s.Do(s.next)
	}
	return struct{}{}, true
}
