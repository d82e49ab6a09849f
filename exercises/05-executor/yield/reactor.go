package main

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Reactor knows who waits for which descriptor, and waits for them in the
// kernel, whose queue differs: epoll_linux.go, and kqueue_bsd.go for macOS
// and the BSDs. Both have openQueue, arm, wait and close.
//
// It waits on a goroutine of its own. Any goroutine may call its methods.
type Reactor struct {
	queue   *queue
	bell    [2]int        // a pipe; a byte in it ends run
	done    chan struct{} // closed when run has returned
	closing sync.Once

	mu      sync.Mutex
	waiting map[int]waiters // guarded by mu: by descriptor
	broken  error           // guarded by mu: why nobody can register any more
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

// waiters has, for each direction, who waits: they may be different tasks.
type waiters [2]Waker

func (w waiters) interest() interest { return interest{w[readable] != nil, w[writable] != nil} }

func (w waiters) wake() {
	for _, waker := range w {
		if waker != nil {
			waker.Wake()
		}
	}
}

// NewReactor opens an event queue and starts to wait. Call Close when done.
func NewReactor() (*Reactor, error) {
	q, err := openQueue()
	if err != nil {
		return nil, err
	}
	r := &Reactor{queue: q, done: make(chan struct{}), waiting: make(map[int]waiters)}
	if err := unix.Pipe(r.bell[:]); err != nil {
		q.close()
		return nil, os.NewSyscallError("pipe", err)
	}
	unix.CloseOnExec(r.bell[0])
	unix.CloseOnExec(r.bell[1])
	go r.run()
	return r, nil
}

// Register makes the reactor wake w once fd is ready, also if it is already.
// The latest waker for each direction of fd is kept, until its event or Forget.
func (r *Reactor) Register(fd int, dir direction, w Waker) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	all := r.waiting[fd]
	all[dir] = w
	r.waiting[fd] = all
	return r.queue.arm(fd, all.interest()) // still locked: deliver must find the waker
}

// Forget undoes every Register of fd, whoever made it, and wakes nobody.
func (r *Reactor) Forget(fd int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.waiting[fd]; ok {
		r.queue.arm(fd, interest{})
		delete(r.waiting, fd)
	}
}

// run is the reactor's goroutine. It waits for the bell as well.
func (r *Reactor) run() {
	defer close(r.done)
	err := r.queue.arm(r.bell[0], interest{readable: true})
	for err == nil || err == unix.EINTR { // EINTR: a signal, not an event
		var events []event
		events, err = r.queue.wait()
		for _, got := range events {
			if got.fd == r.bell[0] {
				return
			}
			r.deliver(got.fd, got.ready).wake() // without the lock: Wake may call Register
		}
	}
	r.fail(os.NewSyscallError("reactor", err))
}

// deliver takes out who waits for fd to be ready. The event has disarmed both
// directions, so what is left is armed again, before anybody else can register:
// done after the unlock, it could replace a registration that is newer than left.
func (r *Reactor) deliver(fd int, ready interest) (woken waiters) {
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
	if left == (waiters{}) || r.queue.arm(fd, left.interest()) != nil {
		return all // nobody is left, or arm refused: Register, called again, says why
	}
	r.waiting[fd] = left
	return woken
}

// fail makes each Register return err, and wakes all who wait to tell them so.
func (r *Reactor) fail(err error) {
	r.mu.Lock()
	all := r.waiting
	r.waiting, r.broken = nil, err
	r.mu.Unlock()
	for _, w := range all {
		w.wake()
	}
}

// Close ends the reactor's goroutine and waits for that, so a Wake must not call
// it. To close the queue would not do: that wakes nobody who waits in it.
func (r *Reactor) Close() error {
	r.closing.Do(func() {
		r.fail(errors.New("reactor is closed"))
		unix.Write(r.bell[1], []byte{0})
		<-r.done
		r.queue.close()
		unix.Close(r.bell[0])
		unix.Close(r.bell[1])
	})
	return nil
}
