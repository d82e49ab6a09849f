// want: the first Poll has polled dish 64 0 times
package main

import "sync"

// Joined is many futures as one. Unlike the chapter's JoinAll, it polls only the
// ones that have been woken.
type Joined[T any] struct {
	children []*child[T]
	values   []T
	left     int // how many are pending

	mu    sync.Mutex
	waker Waker  // guarded by mu; the one of the latest poll
	woken uint64 // guarded by mu; a bit for each child
}

// A child is a future with a waker of its own: itself.
type child[T any] struct {
	future Future[T] // nil when it has finished
	parent *Joined[T]
	bit    uint64
}

// NewJoined polls nothing yet.
func NewJoined[T any](futures ...Future[T]) *Joined[T] {
	j := &Joined[T]{values: make([]T, len(futures)), left: len(futures)}
	for i, f := range futures {
		j.children = append(j.children, &child[T]{future: f, parent: j, bit: 1 << i})
		j.woken |= 1 << i
	}
	return j
}

// Poll polls the children that were woken, and is ready when all have finished.
func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	j.mu.Lock()
	j.waker = cx.Waker() // first: from here on, a wake is for this poll
	j.mu.Unlock()
	for i, c := range j.children {
		if !c.takeWoken() || c.future == nil {
			continue
		}
		value, ready := c.future.Poll(&Context{waker: c, reactor: cx.reactor})
		if ready {
			j.values[i], c.future = value, nil
			j.left--
		}
	}
	if j.left > 0 {
		return nil, false
	}
	return j.values, true
}

// takeWoken is called before the poll: a wake during the poll leaves it set.
func (c *child[T]) takeWoken() bool {
	c.parent.mu.Lock()
	defer c.parent.mu.Unlock()
	woken := c.parent.woken&c.bit != 0
	c.parent.woken &^= c.bit
	return woken
}

// Wake asks for a poll of this child, through the waker of the latest poll.
func (c *child[T]) Wake() {
	c.parent.mu.Lock()
	c.parent.woken |= c.bit
	w := c.parent.waker
	c.parent.mu.Unlock()
	w.Wake() // after the unlock: the woken task may poll at once
}
