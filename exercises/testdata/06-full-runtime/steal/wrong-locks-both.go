// want: waits for a lock that worker

package main

import "sync"

// A Parker puts one worker to sleep, as the one of chapter 05 does: Park returns
// when there has been a Wake, at once if it came before.
type Parker interface {
	Park()
	Wake()
}

// The states of a task: see the transitions in Wake, next and settle.
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
	mu    sync.Locker
	home  int   // guarded by mu: the worker that polled it last
	state state // guarded by mu
}

// Wake makes one of the workers poll the task, once however often it is called
// before that. Any goroutine calls it, at any time.
func (t *Task) Wake() {
	t.mu.Lock()
	was, home := t.state, t.home
	switch was {
	case idle:
		t.state = queued
	case polling:
		t.state = woken
	}
	t.mu.Unlock()
	if was == idle {
		t.pair.push(home, t)
	}
}

// Pair is two workers, 0 and 1. Each has a queue of its own, with a lock of its
// own.
type Pair struct {
	newLock func() sync.Locker
	parkers [2]Parker
	queues  [2]queue
	mu      sync.Locker
	parked  [2]bool // guarded by mu: about to sleep, and not woken yet
	live    int     // guarded by mu: tasks that haven't finished
}

type queue struct {
	mu    sync.Locker
	tasks []*Task // guarded by mu: first in, first out
}

// NewPair makes a pair without tasks. Its locks are made by newLock, as many as
// it likes, and each worker sleeps in its own parker.
func NewPair(newLock func() sync.Locker, parkers [2]Parker) *Pair {
	return &Pair{newLock: newLock, parkers: parkers, mu: newLock(), queues: [2]queue{{mu: newLock()}, {mu: newLock()}}}
}

// Spawn makes a task and puts it into the queue of a worker, last. It is called
// before Run, or in a poll with the worker that polls.
func (p *Pair) Spawn(worker int, poll func(worker int, w Waker) (ready bool)) *Task {
	t := &Task{pair: p, poll: poll, mu: p.newLock(), home: worker, state: queued}
	p.mu.Lock()
	p.live++
	p.mu.Unlock()
	p.push(worker, t)
	return t
}

// Run is a worker. It returns when all tasks have finished.
func (p *Pair) Run(worker int) {
	for {
		if t := p.find(worker); t != nil {
			p.settle(worker, t)
			continue
		}
		p.mu.Lock()
		over := p.live == 0
		p.parked[worker] = !over
		p.mu.Unlock()
		if over {
			return
		}
		// Look again: a push before the announcement has woken nobody.
		if t := p.find(worker); t != nil {
			p.mu.Lock()
			p.parked[worker] = false
			p.mu.Unlock()
			p.settle(worker, t)
			continue
		}
		p.parkers[worker].Park()
	}
}

// find takes a task out of the worker's queue, into which it puts half of the
// other's if it is empty.
func (p *Pair) find(worker int) (t *Task) {
	own, other := &p.queues[worker], &p.queues[1-worker]
	own.mu.Lock()
	defer own.mu.Unlock()
	if len(own.tasks) == 0 {
		other.mu.Lock()
		half := (len(other.tasks) + 1) / 2
		own.tasks = append(own.tasks, other.tasks[:half]...)
		other.tasks = other.tasks[half:]
		other.mu.Unlock()
	}
	if len(own.tasks) > 0 {
		t, own.tasks = own.tasks[0], own.tasks[1:]
	}
	return t
}

// settle polls a task, and says what becomes of it.
func (p *Pair) settle(worker int, t *Task) {
	t.mu.Lock()
	t.state, t.home = polling, worker
	t.mu.Unlock()
	ready := t.poll(worker, t)
	t.mu.Lock()
	again := t.state == woken
	switch {
	case ready:
		t.state = finished
	case again:
		t.state = queued
	default:
		t.state = idle
	}
	t.mu.Unlock()
	switch {
	case ready:
		p.mu.Lock()
		p.live--
		over := p.live == 0
		p.mu.Unlock()
		if over {
			p.wakeOne(worker) // it will find that all is over
		}
	case again:
		p.push(worker, t)
	}
}

func (p *Pair) push(worker int, t *Task) {
	q := &p.queues[worker]
	q.mu.Lock()
	q.tasks = append(q.tasks, t)
	q.mu.Unlock()
	p.wakeOne(worker)
}

// wakeOne wakes the worker if it sleeps, or else the other one, who will steal.
func (p *Pair) wakeOne(worker int) {
	p.mu.Lock()
	var sleeper Parker
	for _, w := range [2]int{worker, 1 - worker} {
		if sleeper == nil && p.parked[w] {
			p.parked[w] = false
			sleeper = p.parkers[w]
		}
	}
	p.mu.Unlock()
	if sleeper != nil {
		sleeper.Wake()
	}
}
