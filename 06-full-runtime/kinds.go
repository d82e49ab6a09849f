package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

// What sched and sleep measure is written by hand, without coroutines: their
// price is not the scheduler's.

// nothing is ready at once.
type nothing struct{}

func (nothing) Poll(*Context) (struct{}, bool) { return struct{}{}, true }

// spawning spawns a batch of tasks, waits for them all, and goes on with the
// next batch.
type spawning struct {
	left    int
	batch   int
	handles []*JoinHandle[struct{}] // of the batch
	joined  int                     // of those
}

func (s *spawning) Poll(cx *Context) (struct{}, bool) {
	for {
		for ; s.joined < len(s.handles); s.joined++ {
			if _, ready := s.handles[s.joined].Poll(cx); !ready {
				return struct{}{}, false
			}
		}
		if s.left == 0 {
			return struct{}{}, true
		}
		s.handles, s.joined = s.handles[:0], 0
		for ; s.left > 0 && len(s.handles) < s.batch; s.left-- {
			s.handles = append(s.handles, Spawn(cx.task.runtime, nothing{}))
		}
	}
}

// group is a future that is ready when so many have called leave.
type group struct {
	left  int
	waker Waker
}

func (g *group) leave() {
	if g.left--; g.left == 0 {
		wakeHere(g.waker)
	}
}

func (g *group) Poll(cx *Context) (struct{}, bool) {
	g.waker = cx.waker
	return struct{}{}, g.left == 0
}

// crowd spawns n tasks, few at a time, so that the queues do not grow to n
// entries, and waits until all have left the group.
type crowd struct {
	group
	n     int
	start func(g *group, i int) Future[struct{}]
	i     int // spawned so far
}

func newCrowd(n int, start func(g *group, i int) Future[struct{}]) *crowd {
	return &crowd{group: group{left: n}, n: n, start: start}
}

func (c *crowd) Poll(cx *Context) (struct{}, bool) {
	for range min(100, c.n-c.i) {
		Spawn(cx.task.runtime, c.start(&c.group, c.i))
		c.i++
	}
	if c.i < c.n {
		wakeHere(cx.waker)
		return struct{}{}, false
	}
	return c.group.Poll(cx)
}

// yielding lets the others have a turn so many times.
type yielding struct {
	group *group
	left  int
}

func newYielding(n, tasks int) Future[struct{}] {
	return newCrowd(tasks, func(g *group, i int) Future[struct{}] {
		return &yielding{g, n*(i+1)/tasks - n*i/tasks}
	})
}

func (y *yielding) Poll(cx *Context) (struct{}, bool) {
	if y.left == 0 {
		y.group.leave()
		return struct{}{}, true
	}
	y.left--
	return (&Yield{}).Poll(cx)
}

// sleeper holds its Sleep itself, not a pointer to one: 8 bytes less.
type sleeper struct {
	sleep Sleep
	group *group
}

func newSleepers(n int, d func(i int) time.Duration) Future[struct{}] {
	return newCrowd(n, func(g *group, i int) Future[struct{}] {
		return &sleeper{Sleep{d: d(i)}, g}
	})
}

func (s *sleeper) Poll(cx *Context) (struct{}, bool) {
	_, ready := s.sleep.Poll(cx)
	if ready {
		s.group.leave()
	}
	return struct{}{}, ready
}

func (s *sleeper) Close() error { return s.sleep.Close() }

// answering is woken by a goroutine, which waits for the answer before it
// wakes again.
type answering struct {
	left    int
	thread  bool // the goroutine has an OS thread to itself
	asked   atomic.Bool
	answers chan struct{} // nil before the first Poll
}

func (a *answering) Poll(cx *Context) (struct{}, bool) {
	w := cx.Waker() // in each Poll anew: somebody outside will wake us
	if a.answers == nil {
		a.answers = make(chan struct{}, 1)
		go a.ask(w, a.left)
	}
	if a.asked.Swap(false) {
		a.left--
		a.answers <- struct{}{} // never blocks: there is one question at a time
	}
	return struct{}{}, a.left == 0
}

func (a *answering) ask(w Waker, n int) {
	if a.thread {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	for range n {
		a.asked.Store(true)
		w.Wake()
		<-a.answers
	}
}
