// want: the reader has registered, then the writer
package main

import "sync"

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
type Table struct {
	queue   queue
	mu      sync.Locker
	waiting map[int]waiters // guarded by mu: by descriptor
}

// waiters has the directions that somebody waits for, and who that is.
type waiters struct {
	want  interest
	waker Waker
}

// NewTable makes a table. It uses mu, which nobody has locked.
func NewTable(q queue, mu sync.Locker) *Table {
	return &Table{queue: q, mu: mu, waiting: make(map[int]waiters)}
}

// Register makes the next event of fd in this direction wake w.
func (t *Table) Register(fd int, dir direction, w Waker) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.waiting[fd]
	all.want[dir] = true
	all.waker = w // it polls the future, whose reader and writer both look
	t.waiting[fd] = all
	return t.queue.arm(fd, all.want)
}

// Deliver is called for an event: fd is ready in these directions.
func (t *Table) Deliver(fd int, ready interest) {
	t.mu.Lock()
	all := t.waiting[fd]
	delete(t.waiting, fd)
	t.mu.Unlock()
	if all.waker != nil {
		all.waker.Wake() // it registers again what it still waits for
	}
}
