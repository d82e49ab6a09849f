package main

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Reactor waits in the kernel, on a goroutine of its own, and wakes the wakers of
// descriptors that are ready. Any goroutine may call its methods.
//
// What talks to the kernel is the poller: epoll_linux.go, or kqueue_bsd.go for
// macOS and the BSDs. Both have the same four functions, with these promises:
//
//	newPoller()    opens a poller in which nothing is armed.
//	arm(fd, want)  replaces what fd was armed for. If fd is ready already, that
//	               is an event. An event disarms its direction, maybe both.
//	wait()         blocks until there are events, and returns them; or EINTR.
//	close()        closes the poller. This doesn't end a wait.
//
// A direction of a descriptor is idle or registered:
//
//	idle → registered  Register stores its waker and arms it
//	registered → idle  an event or fail wakes the waker; Deregister drops it
type Reactor struct {
	poller  *poller
	quit    [2]int        // a pipe; when a byte is in it, run returns
	done    chan struct{} // closed when run has returned
	closing sync.Once

	mu      sync.Mutex
	waiting map[int]waiters // guarded by mu; what is registered, by descriptor
	broken  error           // guarded by mu; why Register fails from now on
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

// waiters holds a waker for each direction. They may belong to different tasks.
type waiters [2]Waker

func (w waiters) directions() directions { return directions{w[readable] != nil, w[writable] != nil} }

func (w waiters) wake() {
	for _, waker := range w {
		if waker != nil {
			waker.Wake()
		}
	}
}

// NewReactor starts a reactor that must be closed after use.
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

// Register makes the reactor wake w once fd is ready, or if it's ready now. It
// replaces the waker that was registered before for this direction of fd.
func (r *Reactor) Register(fd int, dir direction, w Waker) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	all := r.waiting[fd]
	all[dir] = w
	r.waiting[fd] = all
	return r.poller.arm(fd, all.directions()) // deliver finds the waker: it takes the lock
}

// Deregister undoes each Register of fd, and wakes nothing.
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

// deliver removes and returns the wakers of the ready directions, and arms the other
// one again. If fd has a new owner since the event, that one gets a spurious poll.
func (r *Reactor) deliver(fd int, ready directions) (woken waiters) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.waiting[fd]
	delete(r.waiting, fd)
	left := all
	for dir, now := range ready {
		if now {
			woken[dir], left[dir] = left[dir], nil
		}
	}
	// ← without the lock, arm would undo a Register that comes here
	if left == (waiters{}) || r.poller.arm(fd, left.directions()) != nil {
		return all // nothing is left to arm; or arm failed, and the next Register says why
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

// Close waits until the reactor's goroutine has ended, so no Wake there may call it.
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
