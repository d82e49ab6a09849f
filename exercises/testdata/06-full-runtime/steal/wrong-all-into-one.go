// want: tasks 3 and 4 are in the queue of worker 1

package main

import "sync"

// A Parker puts one worker to sleep, as the one of chapter 05 does: Park returns
// when there has been a Wake, at once if it came before.
type Parker interface {
	Park()
	Wake()
}

// A task goes from idle to queued when it's woken, from there to polling when a
// worker takes it, and back to idle, or to finished. Woken while it's polled, it
// isn't queued, because the other worker would poll it, too. It's noted as woken,
// and the worker that polls it queues it then.
type state int

const (
	idle state = iota
	queued
	polling
	woken
	finished
)

// Task is a future that two workers poll. It's a Waker, its own.
type Task struct {
	pair  *Pair
	poll  func(worker int, w Waker) (ready bool)
	home  int   // guarded by pair.mu: the worker that polled it last
	state state // guarded by pair.mu
}

// Wake makes one of the workers poll the task, once however often it is called
// before that. Any goroutine calls it, at any time.
func (t *Task) Wake() {
	t.pair.mu.Lock()
	var sleeper Parker
	switch t.state {
	case idle:
		sleeper = t.pair.push(t)
	case polling:
		t.state = woken
	}
	t.pair.mu.Unlock()
	wake(sleeper)
}

// Pair is two workers, 0 and 1. Each has a queue of its own.
type Pair struct {
	parkers [2]Parker
	mu      sync.Locker
	queues  [2][]*Task // guarded by mu: first in, first out
	parked  [2]bool    // guarded by mu: about to sleep, and not woken yet
	live    int        // guarded by mu: tasks that haven't finished
}

// NewPair makes a pair without tasks. Its locks are made by newLock, as many as
// it likes, and each worker sleeps in its own parker.
func NewPair(newLock func() sync.Locker, parkers [2]Parker) *Pair {
	return &Pair{mu: newLock(), parkers: parkers}
}

// Spawn makes a task and puts it into the queue of a worker, last. It is called
// before Run, or in a poll with the worker that polls.
func (p *Pair) Spawn(worker int, poll func(worker int, w Waker) (ready bool)) *Task {
	t := &Task{pair: p, poll: poll, home: worker}
	p.mu.Lock()
	p.live++
	sleeper := p.push(t)
	p.mu.Unlock()
	wake(sleeper)
	return t
}

// Run is a worker. It returns when all tasks have finished.
func (p *Pair) Run(worker int) {
	for {
		switch t, over := p.next(worker); {
		case over:
			return
		case t == nil:
			p.parkers[worker].Park()
		default:
			p.settle(t, t.poll(worker, t))
		}
	}
}

// next takes a task out of a queue, or else announces that the worker sleeps.
// A push comes before both, or after both, and then a worker is woken.
func (p *Pair) next(worker int) (t *Task, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queues[worker]) == 0 {
		p.steal(worker)
	}
	if own := p.queues[worker]; len(own) > 0 {
		t, p.queues[worker] = own[0], own[1:]
		t.state, t.home = polling, worker
		return t, false
	}
	p.parked[worker] = p.live > 0
	return nil, p.live == 0
}

// steal takes the older half of the other queue. Half of one is one, because its
// owner may be in a long poll. The caller holds mu.
func (p *Pair) steal(worker int) {
	other := p.queues[1-worker]
	half := (len(other) + 1) / 2
	p.queues[worker] = append(p.queues[worker], other[:half]...)
	p.queues[1-worker] = other[half:]
}

// settle decides what becomes of a task that has been polled.
func (p *Pair) settle(t *Task, ready bool) {
	p.mu.Lock()
	var sleeper Parker
	switch {
	case ready:
		t.state = finished
		if p.live--; p.live == 0 {
			sleeper = p.sleeper(t.home) // it will find that all is over
		}
	case t.state == woken:
		sleeper = p.push(t)
	default:
		t.state = idle
	}
	p.mu.Unlock()
	wake(sleeper)
}

// push queues a task, and returns the worker to wake for it. The caller holds mu.
func (p *Pair) push(t *Task) (sleeper Parker) {
	t.state = queued
	p.queues[0] = append(p.queues[0], t)
	return p.sleeper(t.home)
}

// sleeper returns the worker if it sleeps, or else the other one, which will
// steal, or nil if both are awake. The caller holds mu.
func (p *Pair) sleeper(worker int) Parker {
	for _, w := range [2]int{worker, 1 - worker} {
		if p.parked[w] {
			p.parked[w] = false // one wake is enough
			return p.parkers[w]
		}
	}
	return nil
}

func wake(sleeper Parker) {
	if sleeper != nil {
		sleeper.Wake()
	}
}
