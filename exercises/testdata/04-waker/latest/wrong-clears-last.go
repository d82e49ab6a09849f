// want: wakes itself while it is polled
package main

import "sync"

// Joined is many futures as one. Unlike the chapter's, it polls only those that
// somebody has woken.
type Joined[T any] struct {
	children []*child[T]
	values   []T
	left     int // how many are pending

	mu    sync.Mutex
	waker Waker // guarded by mu: of the latest poll
}

// A child is a future with a waker of its own: itself.
type child[T any] struct {
	future Future[T] // nil when it has finished
	parent *Joined[T]
	woken  bool // guarded by parent.mu: since it was last polled
}

// NewJoined polls nothing yet.
func NewJoined[T any](futures ...Future[T]) *Joined[T] {
	j := &Joined[T]{values: make([]T, len(futures)), left: len(futures)}
	for _, f := range futures {
		j.children = append(j.children, &child[T]{future: f, parent: j, woken: true})
	}
	return j
}

// Poll polls the children that were woken, and is ready when all have finished.
func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	j.mu.Lock()
	j.waker = cx.Waker() // first: a wake from here on is for whoever polls now
	j.mu.Unlock()
	for i, c := range j.children {
		if !c.isWoken() || c.future == nil {
			continue
		}
		value, ready := c.future.Poll(&Context{waker: c, reactor: cx.reactor})
		if ready {
			j.values[i], c.future = value, nil
			j.left--
		}
		j.mu.Lock()
		c.woken = false // it has been polled
		j.mu.Unlock()
	}
	if j.left > 0 {
		return nil, false
	}
	return j.values, true
}

func (c *child[T]) isWoken() bool {
	c.parent.mu.Lock()
	defer c.parent.mu.Unlock()
	return c.woken
}

// Wake asks for a poll of this child, by way of whoever polled the parent last.
func (c *child[T]) Wake() {
	c.parent.mu.Lock()
	c.woken = true
	w := c.parent.waker
	c.parent.mu.Unlock()
	w.Wake() // after the unlock: it may poll at once
}
