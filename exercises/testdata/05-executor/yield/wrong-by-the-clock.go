// want: with steps that take an hour, has done 1 steps
package main

import "time"

// Yield is a future that lets other tasks have their turn.
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

// Steps is a long calculation, as a future that lets other tasks have their turn.
type Steps struct {
	N      int         // so many steps,
	Budget int         // at most so many in one poll, at least 1
	Do     func(i int) // does step i: 0, 1, 2 ... N-1

	next int
}

// Poll does as many steps as one poll may.
func (s *Steps) Poll(cx *Context) (struct{}, bool) {
	start := time.Now()
	for range s.Budget {
		if s.next == s.N || time.Since(start) > 10*time.Millisecond {
			break
		}
		s.Do(s.next)
		s.next++
	}
	if s.next < s.N {
		cx.Waker().Wake()
		return struct{}{}, false
	}
	return struct{}{}, true
}
