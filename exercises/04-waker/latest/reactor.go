package main

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Reactor waits in the kernel, on a goroutine of its own, and wakes the wakers of
// descriptors that are ready. Any goroutine may call its methods. The poller talks to
// the kernel: epoll_linux.go and kqueue_bsd.go (for macOS and the BSDs) both have
//
//	newPoller()    opens a poller in which nothing is armed.
//	arm(fd, want)  replaces what fd was armed for. If fd is ready, an event comes at once.
//	wait()         blocks until there are events, and returns them, or EINTR after a signal.
//	close()        closes the poller. This doesn't end a wait.
//
// A direction of a descriptor is idle or registered:
//
//	idle → registered  Register arms it and stores its waker
//	registered → idle  an event or fail wakes the waker; Deregister drops it
type Reactor struct {
	poller  *poller
	quit    [2]int        // a pipe; when a byte is in it, run returns
	done    chan struct{} // closed when run has returned
	closing sync.Once     // Close does its work once

	mu      sync.Mutex
	waiting map[int]waiters // guarded by mu; what is registered, by descriptor
	broken  error           // guarded by mu; why Register fails from now on
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

// waiters holds a waker for each direction, or nil. They may belong to different futures.
type waiters [2]Waker

func (w waiters) directions() directions { return directions{w[readable] != nil, w[writable] != nil} }

func (w waiters) wake() {
	for _, waker := range w {
		if waker != nil {
			waker.Wake()
		}
	}
}

// NewReactor starts a reactor, with a goroutine and three descriptors. Close it after use.
func NewReactor() (*Reactor, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	r := &Reactor{poller: p, done: make(chan struct{}), waiting: make(map[int]waiters)}
	if err := unix.Pipe(r.quit[:]); err != nil {
		p.close()
		return nil, os.NewSyscallError("pipe", err)
	}
	unix.CloseOnExec(r.quit[0])
	unix.CloseOnExec(r.quit[1])
	go r.run()
	return r, nil
}

// Register makes the reactor wake w once fd is ready in dir: at once, if it already is.
// It replaces the waker of this direction. If Register fails, it has changed nothing.
func (r *Reactor) Register(fd int, dir direction, w Waker) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	all := r.waiting[fd]
	all[dir] = w
	err := r.poller.arm(fd, all.directions()) // an event may come at once, but deliver waits for the lock
	if err == nil {
		r.waiting[fd] = all
	}
	return err
}

// Deregister undoes each Register of fd, and wakes nothing. Call it before fd is closed.
func (r *Reactor) Deregister(fd int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.waiting[fd]; ok {
		r.poller.arm(fd, directions{})
		delete(r.waiting, fd)
	}
}

// run is the reactor's goroutine.
func (r *Reactor) run() {
	defer close(r.done)
	err := r.poller.arm(r.quit[0], directions{readable: true})
	for err == nil || err == unix.EINTR { // EINTR: a signal isn't an event
		var events []event
		events, err = r.poller.wait()
		for _, got := range events {
			if got.fd == r.quit[0] {
				return
			}
			r.deliver(got.fd, got.ready).wake() // without the lock: Wake may call Register
		}
	}
	r.fail(os.NewSyscallError("reactor", err))
}

// deliver removes and returns the wakers of the ready directions, and arms again what is
// left. If fd has a new owner since the event, the owner may get a spurious poll.
func (r *Reactor) deliver(fd int, ready directions) (woken waiters) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.waiting[fd]
	delete(r.waiting, fd)
	left := all
	for dir, isReady := range ready {
		if isReady {
			woken[dir], left[dir] = left[dir], nil
		}
	}
	// ← without the lock, arm would undo a Register that comes here
	if left == (waiters{}) || r.poller.arm(fd, left.directions()) != nil {
		return all // nothing is left, so all are woken; or arm failed: wake all, and the next Register says why
	}
	r.waiting[fd] = left
	return woken
}

// fail wakes all wakers. When their futures call Register, that returns err.
func (r *Reactor) fail(err error) {
	r.mu.Lock()
	all := r.waiting
	r.waiting, r.broken = nil, err
	r.mu.Unlock()
	for _, w := range all {
		w.wake()
	}
}

// Close wakes all wakers, and waits until run has returned. A Wake that calls Close deadlocks.
func (r *Reactor) Close() error {
	r.closing.Do(func() {
		r.fail(errors.New("reactor is closed"))
		unix.Write(r.quit[1], []byte{0})
		<-r.done
		r.poller.close()
		unix.Close(r.quit[0])
		unix.Close(r.quit[1])
	})
	return nil
}
