// want: each child is one of its own
package main

import "sync"

// Joined is many futures as one. Unlike the chapter's JoinAll, it polls only the
// ones that have been woken.
type Joined[T any] struct {
	mu      sync.Mutex
	waker   Waker              // guarded by mu; the one of the latest Poll
	woken   map[Future[T]]bool // guarded by mu
	futures []Future[T]
	values  map[Future[T]]T // of the ones that have finished
}

// A card is the waker of one child.
type card[T any] struct {
	whole *Joined[T]
	child Future[T]
}

// NewJoined polls nothing yet.
func NewJoined[T any](futures ...Future[T]) *Joined[T] {
	j := &Joined[T]{woken: make(map[Future[T]]bool), futures: futures, values: make(map[Future[T]]T)}
	for _, f := range futures {
		j.woken[f] = true
	}
	return j
}

// Poll polls the children that were woken, and is ready when all have finished.
func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	j.mu.Lock()
	j.waker = cx.Waker()
	j.mu.Unlock()
	var values []T
	for _, f := range j.futures {
		if _, done := j.values[f]; !done && j.take(f) {
			if v, ready := f.Poll(&Context{waker: card[T]{j, f}, reactor: cx.reactor}); ready {
				j.values[f] = v
			}
		}
		if v, done := j.values[f]; done {
			values = append(values, v)
		}
	}
	if len(values) < len(j.futures) {
		return nil, false
	}
	return values, true
}

func (j *Joined[T]) take(f Future[T]) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	woken := j.woken[f]
	delete(j.woken, f)
	return woken
}

func (c card[T]) Wake() {
	c.whole.mu.Lock()
	c.whole.woken[c.child] = true
	w := c.whole.waker
	c.whole.mu.Unlock()
	w.Wake()
}
