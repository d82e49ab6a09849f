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
type Table struct{}

// NewTable makes a table. It uses mu, which isn't locked.
func NewTable(p poller, mu sync.Locker) *Table { return &Table{} }

// Register makes the next event of fd in this direction wake w. It's yours to
// write.
func (t *Table) Register(fd int, dir direction, w Waker) error {
	return nil // not started
}

// Deregister undoes Register, for this direction. It's yours to write.
func (t *Table) Deregister(fd int, dir direction) {}

// Deliver is called for an event: fd is ready in these directions. It's yours to
// write.
func (t *Table) Deliver(fd int, ready directions) {}
