// want: inside its Wake|what becomes of your queue while you're in a Wake
package main

// Semaphore has a number of permits, which futures wait for. All of this happens
// on one goroutine, so there's no lock.
type Semaphore struct {
	free  int
	queue []*acquire // those that wait, in order of their first polls
}

// NewSemaphore makes a semaphore with n free permits.
func NewSemaphore(n int) *Semaphore { return &Semaphore{free: n} }

// Acquire is ready when it has taken k permits, all at once. k is between 1 and
// the number of permits there are.
func (s *Semaphore) Acquire(k int) Future[struct{}] { return &acquire{semaphore: s, k: k} }

// Release gives k permits back.
func (s *Semaphore) Release(k int) {
	s.free += k
	s.grant()
}

// grant gives permits to those in front, as far as they go. Nothing overtakes the
// first one, however few it wants: or a large request would wait forever.
func (s *Semaphore) grant() {
	served := 0
	for _, a := range s.queue {
		if a.state != waiting || a.k > s.free {
			break
		}
		s.free -= a.k
		a.state = granted
		served++
		a.waker.Wake()
	}
	s.queue = s.queue[min(served, len(s.queue)):]
}

// Free returns how many permits are neither taken nor granted.
func (s *Semaphore) Free() int { return s.free }

type state int

const (
	asking  state = iota // not polled yet
	waiting              // in the queue
	granted              // it has its permits, and doesn't know it yet
	over                 // taken, or closed
)

type acquire struct {
	semaphore *Semaphore
	k         int
	state     state
	waker     Waker // of the latest poll
}

func (a *acquire) Poll(cx *Context) (struct{}, bool) {
	s := a.semaphore
	switch {
	case a.state == granted:
		a.state = over
	case a.state == asking && len(s.queue) == 0 && a.k <= s.free:
		s.free -= a.k
		a.state = over
	case a.state == asking:
		a.state = waiting
		s.queue = append(s.queue, a)
	}
	a.waker = cx.Waker()
	return struct{}{}, a.state == over
}

// Close leaves the queue, and gives back what was granted and not taken.
func (a *acquire) Close() error {
	s, was := a.semaphore, a.state
	a.state = over
	switch was {
	case granted:
		s.Release(a.k)
	case waiting:
		for i, other := range s.queue {
			if other == a {
				s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
				break
			}
		}
		s.grant() // it may have held up smaller ones
	}
	return nil
}
