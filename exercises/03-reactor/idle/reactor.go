package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reactor sleeps in the kernel until a descriptor that a future waits for is ready.
// One goroutine uses it: the one that is in BlockOn. The poller talks to the kernel:
// epoll_linux.go and kqueue_bsd.go (for macOS and the BSDs) both have
//
//	newPoller()    opens a poller in which nothing is armed.
//	arm(fd, want)  replaces what fd was armed for. If fd is ready, an event comes at once.
//	wait()         blocks until there are events, and returns them, or EINTR after a signal.
//	close()        closes the poller. This doesn't end a wait.
type Reactor struct {
	poller  *poller
	waiting map[int]directions // what is registered, by descriptor
	broken  error              // the error of the latest wait; Register returns it
}

type direction int

const readable, writable direction = 0, 1

// directions says yes or no for each direction.
type directions [2]bool

// An event says in which directions fd is worth another try. It disarms those; on epoll, always both.
type event struct {
	fd    int
	ready directions
}

// NewReactor returns a reactor that must be closed after use.
func NewReactor() (*Reactor, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &Reactor{poller: p, waiting: make(map[int]directions)}, nil
}

// Register makes the next Wait return once fd is ready in dir: at once, if it already is.
// If Register fails, it has changed nothing.
func (r *Reactor) Register(fd int, dir direction) error {
	if r.broken != nil {
		return r.broken
	}
	all := r.waiting[fd]
	all[dir] = true
	err := r.poller.arm(fd, all)
	if err == nil {
		r.waiting[fd] = all
	}
	return err
}

// Deregister undoes every Register of fd. Call it before fd is closed.
func (r *Reactor) Deregister(fd int) {
	if _, ok := r.waiting[fd]; ok {
		r.poller.arm(fd, directions{})
		delete(r.waiting, fd)
	}
}

// Wait blocks until registered descriptors are ready, and forgets both directions of these.
// All futures are polled then, and register again if they must. If the wait fails, Register
// fails until the next Wait. If two waits in a row fail, Wait panics.
func (r *Reactor) Wait() {
	events, err := r.poller.wait()
	for err == unix.EINTR { // a signal isn't an event
		events, err = r.poller.wait()
	}
	for _, ev := range events {
		delete(r.waiting, ev.fd)
	}
	if err != nil && r.broken != nil {
		panic(r.broken) // each future that registers has failed by now; any other one would wait forever
	}
	r.broken = os.NewSyscallError("reactor", err) // nil after a good wait
}

// Close closes the poller, not the descriptors. Nothing may use r afterwards.
func (r *Reactor) Close() error { return r.poller.close() }
