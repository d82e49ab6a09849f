package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

// What sched and sleep measure is written by hand, without coroutines, because
// a switch to a coroutine and back costs more than most of what is measured.

// kinds holds what sched can measure. Each function makes a future that does
// one thing n times.
var kinds = map[string]func(n int) Future[struct{}]{
	"spawn":      func(n int) Future[struct{}] { return &spawning{left: n, batch: 1} },
	"spawnbatch": func(n int) Future[struct{}] { return &spawning{left: n, batch: 1000} },
	"yield1":     func(n int) Future[struct{}] { return newYielders(n, 1) },
	"yield1k":    func(n int) Future[struct{}] { return newYielders(n, 1000) },
	"wake":       func(n int) Future[struct{}] { return &answering{left: n, thread: true} },
	"wakego":     func(n int) Future[struct{}] { return &answering{left: n} },
	"timer": func(n int) Future[struct{}] {
		return newSleepers(n, func(i int) time.Duration {
			return 100*time.Millisecond + time.Second*time.Duration(i)/time.Duration(n)
		})
	},
}

// nothing is ready at its first poll.
type nothing struct{}

func (nothing) Poll(*Context) (struct{}, bool) { return struct{}{}, true }

// spawning spawns a batch of tasks, waits for all of them, and goes on with the
// next batch.
type spawning struct {
	left    int // tasks that are still to be spawned
	batch   int
	handles []*JoinHandle[struct{}] // of the current batch
	joined  int                     // how many of those have ended
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
			s.handles = append(s.handles, Spawn(cx, nothing{}))
		}
	}
}

// latch is a future that is ready after n calls of done.
type latch struct {
	left  int
	waker Waker // nil before the first Poll
}

func (l *latch) done() {
	if l.left--; l.left == 0 && l.waker != nil {
		wakeLocal(l.waker)
	}
}

func (l *latch) Poll(cx *Context) (struct{}, bool) {
	l.waker = cx.waker
	return struct{}{}, l.left == 0
}

// crowd spawns n tasks and waits until each of them has called done. It spawns
// a hundred at a time, so that the run queue doesn't grow to n entries.
type crowd struct {
	latch
	n       int
	spawned int
	newTask func(l *latch, i int) Future[struct{}]
}

func newCrowd(n int, newTask func(l *latch, i int) Future[struct{}]) *crowd {
	return &crowd{latch: latch{left: n}, n: n, newTask: newTask}
}

func (c *crowd) Poll(cx *Context) (struct{}, bool) {
	for range min(100, c.n-c.spawned) {
		Spawn(cx, c.newTask(&c.latch, c.spawned))
		c.spawned++
	}
	if c.spawned < c.n {
		wakeLocal(cx.waker)
		return struct{}{}, false
	}
	return c.latch.Poll(cx)
}

// yielder gives way to the other tasks this many times.
type yielder struct {
	latch *latch
	left  int
}

// newYielders shares n yields among the tasks.
func newYielders(n, tasks int) Future[struct{}] {
	return newCrowd(tasks, func(l *latch, i int) Future[struct{}] {
		return &yielder{l, n*(i+1)/tasks - n*i/tasks}
	})
}

func (y *yielder) Poll(cx *Context) (struct{}, bool) {
	if y.left == 0 {
		y.latch.done()
		return struct{}{}, true
	}
	y.left--
	return (&yield{}).Poll(cx)
}

// sleeper holds its sleep by value: a pointer would take 8 bytes more.
type sleeper struct {
	sleep sleep
	latch *latch
}

// newSleepers makes n tasks, of which task i sleeps for d(i).
func newSleepers(n int, d func(i int) time.Duration) Future[struct{}] {
	return newCrowd(n, func(l *latch, i int) Future[struct{}] {
		return &sleeper{sleep{d: d(i)}, l}
	})
}

func (s *sleeper) Poll(cx *Context) (struct{}, bool) {
	_, ready := s.sleep.Poll(cx)
	if ready {
		s.latch.done()
	}
	return struct{}{}, ready
}

func (s *sleeper) Close() error { return s.sleep.Close() }

// answering is woken by another goroutine, which waits for an answer before it
// wakes the task again.
type answering struct {
	left    int
	thread  bool // give the goroutine an OS thread of its own
	asked   atomic.Bool
	answers chan struct{} // nil before the first Poll
}

func (a *answering) Poll(cx *Context) (struct{}, bool) {
	w := cx.Waker() // at each poll, because another goroutine is going to wake us
	if a.answers == nil {
		a.answers = make(chan struct{}, 1)
		go a.ask(w, a.left)
	}
	if a.asked.Swap(false) {
		a.left--
		a.answers <- struct{}{} // never blocks: there's one question at a time
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
