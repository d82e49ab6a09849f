// want: waker of another type, Poll panics
package main

import (
	"sync"
	"sync/atomic"
)

// Joined is many futures as one. Unlike the chapter's JoinAll, it polls only the
// ones that have been woken.
type Joined[T any] struct {
	children []*child[T]
	values   []T
	left     int // how many are pending

	mu    sync.Mutex
	waker atomic.Value // the one of the latest poll
}

// A child is a future with a waker of its own: itself.
type child[T any] struct {
	future Future[T] // nil when it has finished
	parent *Joined[T]
	woken  bool // guarded by parent.mu; since it was last polled
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
	j.waker.Store(cx.Waker())
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
	woken := c.woken
	c.woken = false
	return woken
}

// Wake asks for a poll of this child, through the waker of the latest poll.
func (c *child[T]) Wake() {
	c.parent.mu.Lock()
	c.woken = true
	c.parent.mu.Unlock()
	c.parent.waker.Load().(Waker).Wake() // after the unlock: the woken task may poll at once
}
