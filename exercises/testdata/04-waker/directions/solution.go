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

// waiters has, for each direction, who waits.
type waiters [2]Waker

func (w waiters) interest() interest { return interest{w[readable] != nil, w[writable] != nil} }

func (w waiters) wake() {
	for _, waker := range w {
		if waker != nil {
			waker.Wake()
		}
	}
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
	all[dir] = w
	t.waiting[fd] = all
	return t.queue.arm(fd, all.interest())
}

// Deliver is called for an event: fd is ready in these directions.
func (t *Table) Deliver(fd int, ready interest) {
	t.take(fd, ready).wake() // without the lock: Wake may call Register
}

// take takes out who waits for fd to be ready, and arms again for who is left:
// still locked, as a Register in between would be replaced by what is older.
func (t *Table) take(fd int, ready interest) (woken waiters) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.waiting[fd]
	delete(t.waiting, fd)
	left := all
	for dir, now := range ready {
		if now {
			woken[dir], left[dir] = left[dir], nil
		}
	}
	if left == (waiters{}) {
		return woken
	}
	if t.queue.arm(fd, left.interest()) != nil {
		return all // nobody would wake them: Register, called again, says why
	}
	t.waiting[fd] = left
	return woken
}
