// want: Two calculations share nothing
package main

import "sync"

// Yield is a future that lets other tasks have their turn.
type Yield struct{ yielded bool }

// Poll wakes its task at once, and is ready the next time.
func (y *Yield) Poll(cx *Context) (struct{}, bool) {
	if y.yielded {
		return struct{}{}, true
	}
	y.yielded = true
	cx.Waker().Wake()
	return struct{}{}, false
}

// calculating makes sure that two calculations don't get into each other's way.
var calculating sync.Mutex

// Steps is a long calculation, as a future that lets other tasks have their turn.
type Steps struct {
	N      int         // so many steps,
	Budget int         // at most so many in one poll, at least 1
	Do     func(i int) // does step i: 0, 1, 2 ... N-1

	next int // the step to do
}

// Poll does some steps.
func (s *Steps) Poll(cx *Context) (struct{}, bool) {
	for left := s.Budget; left > 0 && s.next < s.N; left-- {
		calculating.Lock()
		s.Do(s.next)
		calculating.Unlock()
		s.next++
	}
	if s.next < s.N {
		cx.Waker().Wake()
		return struct{}{}, false
	}
	return struct{}{}, true
}
