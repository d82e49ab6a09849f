package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reactor knows which descriptors somebody waits for, and waits for them in
// the kernel, whose queue differs: epoll_linux.go, and kqueue_bsd.go for macOS
// and the BSDs. Both have openQueue, arm, wait and close.
//
// One goroutine uses a Reactor: the one in BlockOn.
type Reactor struct {
	queue   *queue
	waiting map[int]interest // by descriptor
	broken  error            // of a wait that failed; Register tells every future
}

type direction int

const readable, writable direction = 0, 1

// interest says for each direction whether it matters.
type interest [2]bool

// event says that a descriptor is worth another try in the ready directions.
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

// Register makes the next Wait return once fd is ready, also if it is already.
func (r *Reactor) Register(fd int, dir direction) error {
	if r.broken != nil {
		return r.broken
	}
	all := r.waiting[fd]
	all[dir] = true
	r.waiting[fd] = all
	return r.queue.arm(fd, all)
}

// Forget undoes every Register of fd.
func (r *Reactor) Forget(fd int) {
	if _, ok := r.waiting[fd]; ok {
		r.queue.arm(fd, interest{})
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
