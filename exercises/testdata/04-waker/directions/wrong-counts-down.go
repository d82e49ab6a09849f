// want: in which nothing waits
package main

import (
	"sync"
)

type direction int

const readable, writable direction = 0, 1

// directions says yes or no for each direction.
type directions [2]bool

// A poller is the kernel's. It reports a descriptor again and again, as long as
// it's ready and armed.
type poller interface {
	// arm replaces what fd was armed for. It doesn't wait.
	arm(fd int, want directions) error
}

type wakers struct {
	of [2]Waker
	n  int // how many there are
}

func (w wakers) directions() directions {
	return directions{w.of[readable] != nil, w.of[writable] != nil}
}

// Table knows which waker waits for which descriptor. Any goroutine may call
// Register and Deregister, and the reactor's goroutine calls Deliver.
type Table struct {
	poller  poller
	mu      sync.Locker
	waiting map[int]wakers // guarded by mu
}

// NewTable makes a table. It uses mu, which isn't locked.
func NewTable(p poller, mu sync.Locker) *Table {
	return &Table{poller: p, mu: mu, waiting: make(map[int]wakers)}
}

// set stores the wakers of fd, and arms for them. The caller holds mu.
func (t *Table) set(fd int, all wakers) error {
	if all.n == 0 {
		all = wakers{}
		delete(t.waiting, fd)
	} else {
		t.waiting[fd] = all
	}
	return t.poller.arm(fd, all.directions())
}

// Register makes the next event of fd in this direction wake w.
func (t *Table) Register(fd int, dir direction, w Waker) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.waiting[fd]
	if all.of[dir] == nil {
		all.n++
	}
	all.of[dir] = w
	return t.set(fd, all)
}

// Deregister undoes Register, for this direction.
func (t *Table) Deregister(fd int, dir direction) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all, ok := t.waiting[fd]
	if !ok {
		return
	}
	all.of[dir] = nil
	all.n--
	t.set(fd, all)
}

// Deliver is called for an event: fd is ready in these directions.
func (t *Table) Deliver(fd int, ready directions) {
	t.mu.Lock()
	all := t.waiting[fd]
	left := all
	var woken wakers
	for dir, now := range ready {
		if now && left.of[dir] != nil {
			woken.of[dir], left.of[dir] = left.of[dir], nil
			left.n--
		}
	}
	if err := t.set(fd, left); err != nil {
		delete(t.waiting, fd)
		woken = all
	}
	t.mu.Unlock()
	for _, w := range woken.of {
		if w != nil {
			w.Wake()
		}
	}
}
