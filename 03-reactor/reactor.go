package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reactor knows which descriptors somebody waits for, and waits for them in
// the kernel. What the kernel offers for that differs: epoll_linux.go has it
// for Linux, kqueue_bsd.go for macOS and the BSDs, with the same four functions:
//
//	openQueue() (*queue, error)
//	(*queue) arm(fd int, want interest) error    once; nothing wanted: never mind
//	(*queue) wait() ([]event, error)             until at least one event
//	(*queue) close() error
//
// One goroutine uses a Reactor: the one in BlockOn.
type Reactor struct {
	queue   *queue
	waiting map[int]interest // by descriptor, what is armed
	broken  error            // of a wait that failed; every future is told by Register
}

// interest is a set of directions.
type interest uint8

const (
	readable interest = 1 << iota
	writable
)

// event says that the directions of fd that are ready are worth another try.
type event struct {
	fd    int
	ready interest
}

// NewReactor opens an event queue. Call Close when done with it.
func NewReactor() (*Reactor, error) {
	q, err := openQueue()
	if err != nil {
		return nil, err
	}
	return &Reactor{queue: q, waiting: make(map[int]interest)}, nil
}

// Register makes the next Wait return when fd is ready, also if it is already.
// It adds to what fd was registered for before.
func (r *Reactor) Register(fd int, want interest) error {
	if r.broken != nil {
		return r.broken
	}
	want |= r.waiting[fd]
	if err := r.queue.arm(fd, want); err != nil {
		return err
	}
	r.waiting[fd] = want
	return nil
}

// Forget undoes every Register of fd.
func (r *Reactor) Forget(fd int) {
	if r.waiting[fd] != 0 {
		r.queue.arm(fd, 0)
		delete(r.waiting, fd)
	}
}

// Wait blocks until a registered descriptor is ready. What it has reported is
// registered no more: every future is polled now, and those that still have to
// wait register again.
func (r *Reactor) Wait() {
	events, err := r.queue.wait()
	for err == unix.EINTR { // a signal, not an event
		events, err = r.queue.wait()
	}
	for _, ev := range events {
		delete(r.waiting, ev.fd)
	}
	r.broken = os.NewSyscallError("reactor", err)
}

// Close closes the queue. The descriptors belong to the futures.
func (r *Reactor) Close() error { return r.queue.close() }
