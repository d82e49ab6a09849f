package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reactor waits in the kernel until a descriptor is ready that a future waits
// for. One goroutine uses it: the one that is in BlockOn.
//
// What talks to the kernel is the poller: epoll_linux.go, or kqueue_bsd.go for
// macOS and the BSDs. Both have the same four functions, with these promises:
//
//	newPoller()    opens a poller in which nothing is armed.
//	arm(fd, want)  replaces what fd was armed for. If fd is ready already, that
//	               is an event. An event disarms its direction, maybe both.
//	wait()         blocks until there are events, and returns them; or EINTR.
//	close()        closes the poller. This doesn't end a wait.
type Reactor struct {
	poller  *poller
	waiting map[int]directions // what is registered, by descriptor
	broken  error              // why a wait failed; Register returns it to each future
}

type direction int

const readable, writable direction = 0, 1

// directions says yes or no for each direction.
type directions [2]bool

// An event says in which directions a descriptor is worth another try.
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

// Register makes the next Wait return once fd is ready, or if it's ready now.
func (r *Reactor) Register(fd int, dir direction) error {
	if r.broken != nil {
		return r.broken
	}
	all := r.waiting[fd]
	all[dir] = true
	r.waiting[fd] = all
	return r.poller.arm(fd, all)
}

// Deregister undoes each Register of fd.
func (r *Reactor) Deregister(fd int) {
	if _, ok := r.waiting[fd]; ok {
		r.poller.arm(fd, directions{})
		delete(r.waiting, fd)
	}
}

// Wait blocks until a registered descriptor is ready, and ends the registration of
// each one that is. All futures are polled then, and register again if they must.
func (r *Reactor) Wait() {
	events, err := r.poller.wait()
	for err == unix.EINTR { // a signal isn't an event
		events, err = r.poller.wait()
	}
	for _, ev := range events {
		delete(r.waiting, ev.fd)
	}
	r.broken = os.NewSyscallError("reactor", err)
}

// Close closes the poller. It leaves the descriptors to their futures.
func (r *Reactor) Close() error { return r.poller.close() }
