package main

import (
	"errors"
	"sync"
)

type direction int

const readable, writable direction = 0, 1

// interest says for each direction whether it matters.
type interest [2]bool

// A queue is the kernel's, as the chapter's queue: epoll with EPOLLONESHOT.
type queue interface {
	// arm replaces what fd was armed for. An event of fd disarms both
	// directions. It does not wait.
	arm(fd int, want interest) error
}

// Table knows who waits for which descriptor. Any goroutine may call Register,
// and the reactor's goroutine calls Deliver.
type Table struct{}

// NewTable makes a table. It uses mu, which nobody has locked.
func NewTable(q queue, mu sync.Locker) *Table { return &Table{} }

// Register makes the next event of fd in this direction wake w. It is yours to
// write.
func (t *Table) Register(fd int, dir direction, w Waker) error {
	return errors.New("Register is not started")
}

// Deliver is called for an event: fd is ready in these directions. It is yours
// to write.
func (t *Table) Deliver(fd int, ready interest) {}
