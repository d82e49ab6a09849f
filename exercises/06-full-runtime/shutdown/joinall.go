package main

import (
	"fmt"
	"sync"
)

// Joined is the future that JoinAll makes.
type Joined[T any] struct {
	children []child[T]
	values   []T
	left     int // -1 once Poll has returned true, or after Close
	outside  int // children with outside set
	list     wokenList
}

// child is one of the futures, with a context and so a waker of its own.
type child[T any] struct {
	future  Future[T] // nil when it has finished
	cx      Context
	waker   childWaker
	outside bool         // something outside the runtime has its waker
	waits   fmt.Stringer // for whom: see deadlock
}

// JoinAll owns the futures now, and yields their values in argument order.
// Unlike the one before it polls only children that have been woken.
func JoinAll[T any](futures ...Future[T]) *Joined[T] {
	j := &Joined[T]{children: make([]child[T], len(futures)), values: make([]T, len(futures)), left: len(futures)}
	for i, f := range futures {
		c := &j.children[i]
		c.future = f
		c.waker = childWaker{list: &j.list, index: i}
		c.waker.mark() // for the first poll
	}
	return j
}

func (j *Joined[T]) Poll(cx *Context) ([]T, bool) {
	if j.left < 0 {
		panic("JoinAll polled after it finished")
	}
	for _, waker := range j.list.take(cx.waker) {
		if c := &j.children[waker.index]; c.future != nil {
			j.poll(c, cx)
		}
	}
	cx.task.outside = cx.task.outside || j.outside > 0
	if j.left > 0 {
		cx.task.waits = j
		return nil, false
	}
	j.left = -1
	return j.values, true
}

func (j *Joined[T]) poll(c *child[T], cx *Context) {
	task := cx.task
	outside := task.outside
	if c.outside {
		j.outside--
	}
	task.outside, task.waits = false, nil
	c.cx = Context{waker: &c.waker, task: task}
	value, ready := c.future.Poll(&c.cx)
	c.outside, c.waits = task.outside && !ready, task.waits
	task.outside = outside
	if c.outside {
		j.outside++
	}
	if ready {
		j.values[c.waker.index], c.future = value, nil
		j.left--
	}
}

// Close abandons the futures that have not finished, and the values of the
// others: all of them, even if the Close of one panics.
func (j *Joined[T]) Close() error {
	if j.left < 0 {
		return nil
	}
	j.left = -1
	for i := range j.children {
		if f := j.children[i].future; f != nil {
			j.children[i].future = nil
			defer Close(f)
		} else {
			defer Close(j.values[i])
		}
	}
	return nil
}

// String says for whom the first child waits that waits for somebody.
func (j *Joined[T]) String() string {
	what := fmt.Sprintf("%d of %d in a JoinAll", j.left, len(j.children))
	for _, c := range j.children {
		if c.future != nil && c.waits != nil {
			return what + ", one of them for " + c.waits.String()
		}
	}
	return what
}

// wokenList knows which children have been woken since the latest poll.
type wokenList struct {
	mu     sync.Mutex
	parent Waker         // guarded by mu: of the latest poll
	woken  []*childWaker // guarded by mu
}

type childWaker struct {
	list  *wokenList
	index int
	woken bool // guarded by list.mu: it is in the list
}

func (c *childWaker) Wake() {
	if parent := c.mark(); parent != nil {
		parent.Wake()
	}
}

// mark puts the child into the list and returns whom to wake: after the unlock,
// as that may be a child of another JoinAll.
func (c *childWaker) mark() (parent Waker) {
	c.list.mu.Lock()
	defer c.list.mu.Unlock()
	if !c.woken {
		c.woken = true
		c.list.woken = append(c.list.woken, c)
	}
	return c.list.parent
}

// take empties the list. From now on the children wake parent; stored later,
// a wake in between would go to the parent of an earlier poll.
func (l *wokenList) take(parent Waker) []*childWaker {
	l.mu.Lock()
	defer l.mu.Unlock()
	woken := l.woken
	l.parent, l.woken = parent, nil
	for _, c := range woken {
		c.woken = false
	}
	return woken
}
