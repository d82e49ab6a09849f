package main

import "time"

// Reactor knows who waits for which descriptor. In this chapter it has no
// goroutine: the executor itself waits in it when there is nothing to poll.
// Only the runtime's goroutine uses it, so nothing here needs a lock.
type Reactor struct {
	queue      queue
	sources    []*source // by descriptor
	open       int       // sources
	waiting    int       // wakers in the sources
	generation uint32
}

// queue is the kernel's event queue: epoll_linux.go, kqueue_bsd.go, or a test's.
type queue interface {
	add(fd int, generation uint32) error         // both directions, edge-triggered
	again(fd int, generation uint32) error       // report at once what is ready
	remove(fd int)                               // before fd is closed
	wait(timeout time.Duration) ([]event, error) // negative: no limit
	ring() error                                 // ends a wait; any goroutine
	close()
}

const longest = 24 * time.Hour // of a wait: some kernels refuse very long ones

type direction int

const (
	readable direction = iota
	writable
)

// interest says for each direction whether it matters.
type interest [2]bool

// event says that a descriptor is worth another try in the ready directions.
type event struct {
	fd         int
	generation uint32 // of the registration, 0 if the queue does not keep it
	ready      interest
	ended      bool // the peer has finished, or sent urgent data, or the connection has failed
}

// source is a descriptor that has been registered, once and for both
// directions. An edge is reported once, so ready remembers it until somebody
// has used it up, whether or not a waker was there when it came.
type source struct {
	fd         int
	generation uint32
	ready      interest // worth a try; cleared by EAGAIN or a partial transfer
	ended      bool     // a short read proves nothing: read on to EAGAIN or 0
	wakers     [2]Waker // by direction, nil where nobody waits
}

// add registers s.
func (r *Reactor) add(s *source) error {
	r.generation++
	s.generation = max(r.generation, 1)
	if err := r.queue.add(s.fd, s.generation); err != nil {
		return err
	}
	for len(r.sources) <= s.fd {
		r.sources = append(r.sources, nil)
	}
	r.sources[s.fd] = s
	r.open++
	return nil
}

// remove forgets s, which is about to be closed. It returns who waited.
func (r *Reactor) remove(s *source) (waited [2]Waker) {
	for dir := range s.wakers {
		waited[dir] = r.take(s, direction(dir))
	}
	r.queue.remove(s.fd)
	r.sources[s.fd] = nil
	r.open--
	return waited
}

// store makes w the one that is woken when dir of s is ready.
func (r *Reactor) store(s *source, dir direction, w Waker) {
	if s.wakers[dir] == nil {
		r.waiting++
	}
	s.wakers[dir] = w
}

func (r *Reactor) take(s *source, dir direction) Waker {
	w := s.wakers[dir]
	if w != nil {
		s.wakers[dir] = nil
		r.waiting--
	}
	return w
}

// leave takes w back, whose future is abandoned. What is ready stays ready.
func (r *Reactor) leave(s *source, dir direction, w Waker) {
	if w != nil && s.wakers[dir] == w {
		r.take(s, dir)
	}
}

// deliver wakes who waits for ev. The event may be older than the descriptor:
// one of the same batch may have closed it, and another opened it anew.
func (r *Reactor) deliver(ev event) {
	s := r.lookup(ev.fd)
	if s == nil || ev.generation != 0 && ev.generation != s.generation {
		return
	}
	s.ended = s.ended || ev.ended
	for dir, ready := range ev.ready {
		if ready {
			s.ready[dir] = true
			wakeHere(r.take(s, direction(dir)))
		}
	}
}

func (r *Reactor) lookup(fd int) *source {
	if fd < 0 || fd >= len(r.sources) {
		return nil
	}
	return r.sources[fd]
}

// Register is for leaf futures that read and write a descriptor themselves, as
// HTTPGet does: nobody sees their EAGAIN, so they ask the kernel each time.
func (r *Reactor) Register(fd int, dir direction, w Waker) error {
	s, err := r.lookup(fd), error(nil)
	if s == nil {
		s = &source{fd: fd}
		err = r.add(s)
	} else {
		err = r.queue.again(fd, s.generation)
	}
	if err == nil {
		r.store(s, dir, w)
	}
	return err
}

// Forget undoes every Register of fd. Without it the next connection with that
// number would count as registered, and never be served.
func (r *Reactor) Forget(fd int) {
	if s := r.lookup(fd); s != nil {
		r.remove(s)
	}
}
