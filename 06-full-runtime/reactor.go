package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// A poller is the kernel's side: epoll_linux.go, kqueue_bsd.go, or one that a test
// made. Only notify is for any goroutine.
type poller interface {
	// add registers fd for both directions, edge-triggered: an event comes when a
	// direction gets ready, and at once if it's ready already.
	add(fd int) error
	// remove undoes add. It must be called before fd is closed.
	remove(fd int)
	// wait returns the events that are there, or waits for one: until the timeout
	// has passed, unless it's negative, or notify is called. The slice is valid
	// until the next wait.
	wait(timeout time.Duration) ([]event, error)
	// notify ends a wait, the one under way or else the next.
	notify() error
	close()
}

const longestWait = 24 * time.Hour // some kernels refuse very long ones

// event says in which directions a descriptor is worth another try.
type event struct {
	fd    int
	ready directions
	ended bool // the peer has finished or (on Linux) sent urgent data, or the connection has failed
}

type directions [2]bool // by direction

type direction int

const (
	readable direction = iota
	writable
)

// Reactor knows which tasks wait for which descriptor. In this chapter it has no
// goroutine: the executor itself waits in the kernel when there's nothing to
// poll. Only the runtime's goroutine comes here, so nothing needs a lock.
type Reactor struct {
	poller      poller
	sources     []*source                           // by descriptor
	open        int                                 // sources that aren't nil
	read, write func(fd int, p []byte) (int, error) // rawRead and rawWrite, or a test's
}

func newReactor(p poller) Reactor { return Reactor{poller: p, read: rawRead, write: rawWrite} }

// source is a descriptor that the poller watches. Each of its directions is
//   - ready: a read or write is worth a try. An event makes it so, and wakes the
//     waker if there is one. The kernel reports an edge only once.
//   - not ready, after EAGAIN, or after less was transferred than asked for. A
//     future that finds it so leaves its waker.
type source struct {
	fd      int
	reactor *Reactor // nil once it's closed
	ready   directions
	ended   bool     // from the first event.ended on: only EAGAIN shows that nothing is left, not a short transfer
	wakers  [2]Waker // by direction, nil where nothing waits
}

func (s *source) setWaker(dir direction, cx *Context) {
	s.wakers[dir] = cx.waker
	cx.waitsFor([...]string{"input", "output"}[dir])
}

func (s *source) takeWaker(dir direction) Waker {
	w := s.wakers[dir]
	s.wakers[dir] = nil
	return w
}

// removeWaker is for an abandoned future. A waker of another task stays.
func (s *source) removeWaker(dir direction, cx *Context) {
	if s.wakers[dir] == cx.waker {
		s.wakers[dir] = nil
	}
}

func (s *source) waited() bool {
	return s != nil && (s.wakers[readable] != nil || s.wakers[writable] != nil)
}

func (r *Reactor) addSource(s *source) error {
	if err := r.poller.add(s.fd); err != nil {
		return err
	}
	for len(r.sources) <= s.fd {
		r.sources = append(r.sources, nil)
	}
	r.sources[s.fd], s.reactor = s, r
	r.open++
	return nil
}

// Close closes the descriptor, once. It's deregistered first: after the close, its
// number may be another connection's. Then the tasks that wait for it are woken, and
// fail with net.ErrClosed.
func (s *source) Close() error {
	r := s.reactor
	if r == nil {
		return nil
	}
	s.reactor = nil
	r.poller.remove(s.fd)
	r.sources[s.fd] = nil
	r.open--
	err := unix.Close(s.fd)
	wakeLocal(s.takeWaker(readable))
	wakeLocal(s.takeWaker(writable))
	return err
}

// deliver wakes the tasks that wait for ev.
//
// The number in ev can't have a new owner: only tasks close and open descriptors,
// and none is polled before all events of a wait are delivered. Where tasks run
// meanwhile, as in tokio, an event carries a generation or a pointer too, to tell
// two owners of one number apart. In chapter 04, such an event is a spurious poll.
func (r *Reactor) deliver(ev event) {
	if ev.fd >= len(r.sources) || r.sources[ev.fd] == nil {
		return
	}
	s := r.sources[ev.fd]
	s.ended = s.ended || ev.ended
	for dir, ready := range ev.ready {
		if ready {
			s.ready[dir] = true
			wakeLocal(s.takeWaker(direction(dir)))
		}
	}
}
