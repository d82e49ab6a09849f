package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// Reactor knows which waker waits for which descriptor. In this chapter it has
// no goroutine: the executor itself waits in the kernel when there's nothing to
// poll. Only the runtime's goroutine uses the Reactor, so nothing here needs a
// lock.
type Reactor struct {
	poller  poller
	sources []*source // by descriptor
	open    int       // the number of sources
	waiting int       // the number of wakers in the sources

	read, write func(fd int, p []byte) (int, error) // the system calls
}

// A poller is the kernel's side: epoll_linux.go, kqueue_bsd.go, or a test's.
//
// add registers fd for both directions, edge-triggered: an event comes when
// something about fd changes, and at once if fd is ready already. Each
// descriptor is added once, and removed before it's closed.
//
// wait returns the events that are there, or waits for some: until the timeout
// has passed, forever if it's negative, or until notify is called. The slice is
// valid until the next wait.
//
// notify makes a wait return, the one under way or else the next one. It's the
// only method for other goroutines.
type poller interface {
	add(fd int) error
	remove(fd int)
	wait(timeout time.Duration) ([]event, error)
	notify() error
	close()
}

const longestWait = 24 * time.Hour // some kernels refuse very long ones

type direction int

const (
	readable direction = iota
	writable
)

// directions says something for each direction.
type directions [2]bool

// event says in which directions a descriptor is worth another try.
type event struct {
	fd    int
	ready directions
	ended bool // the peer has finished or sent urgent data, or the connection has failed
}

// source is a descriptor that the poller watches. In each direction it goes
// around like this:
//
//	ready    a read or write is tried first
//	  │ ▲
//	  │ └── an event; it takes the waker and wakes it
//	  ▼
//	not ready: after EAGAIN, or after less was transferred than asked for.
//	  A future that finds it so leaves its waker.
//
// The kernel reports an edge only once. So ready remembers it, whether or not a
// waker was there when the event came.
type source struct {
	fd     int
	ready  directions
	ended  bool     // no other edge may come: read on to EAGAIN or to the end
	wakers [2]Waker // by direction, nil where nothing waits
}

// addSource registers s.
func (r *Reactor) addSource(s *source) error {
	if err := r.poller.add(s.fd); err != nil {
		return err
	}
	for len(r.sources) <= s.fd {
		r.sources = append(r.sources, nil)
	}
	r.sources[s.fd] = s
	r.open++
	return nil
}

// closeSource deregisters s and closes it. The tasks that wait for
// s are woken last, so that they find it closed.
func (r *Reactor) closeSource(s *source) error {
	reader, writer := r.takeWaker(s, readable), r.takeWaker(s, writable)
	r.poller.remove(s.fd) // before close: after it, the number may be another connection's
	r.sources[s.fd] = nil
	r.open--
	err := unix.Close(s.fd)
	wakeLocal(reader)
	wakeLocal(writer)
	return err
}

// setWaker makes w the waker that is woken when s is ready in dir.
func (r *Reactor) setWaker(s *source, dir direction, w Waker) {
	if s.wakers[dir] == nil {
		r.waiting++
	}
	s.wakers[dir] = w
}

// takeWaker returns the waker of dir, which then waits no longer.
func (r *Reactor) takeWaker(s *source, dir direction) Waker {
	w := s.wakers[dir]
	if w != nil {
		s.wakers[dir] = nil
		r.waiting--
	}
	return w
}

// removeWaker takes back w, whose future was abandoned, unless another future
// waits by now. A ready direction stays ready.
func (r *Reactor) removeWaker(s *source, dir direction, w Waker) {
	if w != nil && s.wakers[dir] == w {
		r.takeWaker(s, dir)
	}
}

// deliver wakes the tasks that wait for ev.
//
// The number in ev can't belong to a new owner. All events of a wait are
// delivered before any task is polled, and only a poll closes and opens
// descriptors. Where both go on at once, as in tokio and in chapter 04, an event
// has to carry a generation or a pointer as well, to tell two owners of one
// number apart.
func (r *Reactor) deliver(ev event) {
	if ev.fd >= len(r.sources) || r.sources[ev.fd] == nil {
		return
	}
	s := r.sources[ev.fd]
	s.ended = s.ended || ev.ended
	for dir, ready := range ev.ready {
		if ready {
			s.ready[dir] = true
			wakeLocal(r.takeWaker(s, direction(dir)))
		}
	}
}
