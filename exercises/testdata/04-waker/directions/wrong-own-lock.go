// want: the lock that NewTable was given was never taken
package main

import "sync"

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

// Table knows which waker waits for which descriptor. Any goroutine may call
// Register and Deregister, and the reactor's goroutine calls Deliver.
type Table struct {
	poller  poller
	mu      sync.Locker
	waiting map[int]waiters // guarded by mu; by descriptor
}

// waiters has a waker for each direction, or nil.
type waiters [2]Waker

func (w waiters) directions() directions { return directions{w[readable] != nil, w[writable] != nil} }

// NewTable makes a table. It uses mu, which isn't locked.
func NewTable(p poller, mu sync.Locker) *Table {
	return &Table{poller: p, mu: new(sync.Mutex), waiting: make(map[int]waiters)}
}

// set stores who waits for fd, and arms for that. Its caller holds mu until both
// have happened, so that the latest arm knows the latest waiters.
func (t *Table) set(fd int, all waiters) error {
	if all == (waiters{}) {
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
	all[dir] = w
	return t.set(fd, all)
}

// Deregister undoes Register, for this direction.
func (t *Table) Deregister(fd int, dir direction) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.waiting[fd]
	all[dir] = nil
	t.set(fd, all)
}

// Deliver is called for an event: fd is ready in these directions.
func (t *Table) Deliver(fd int, ready directions) {
	for _, w := range t.take(fd, ready) {
		if w != nil {
			w.Wake() // without the lock: Wake may call Register
		}
	}
}

// take takes out the wakers for these directions.
func (t *Table) take(fd int, ready directions) (woken waiters) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.waiting[fd]
	left := all
	for dir, now := range ready {
		if now {
			woken[dir], left[dir] = left[dir], nil
		}
	}
	if t.set(fd, left) != nil {
		delete(t.waiting, fd)
		return all // nothing would wake the others: Register, called again, says why
	}
	return woken
}
