// want: is there a limit to a queue, or to a theft

package main

import "sync"

// A Parker puts one worker to sleep, as the one of chapter 05 does: Park returns
// when there has been a Wake, at once if it came before.
type Parker interface {
	Park()
	Wake()
}

// The states of a task.
const (
	taskIdle = iota
	taskQueued
	taskPolled
	taskWokenPolled // woken while it's being polled
	taskFinished
)

// Task is a future that two workers poll. It's a Waker, its own.
type Task struct {
	pair  *Pair
	poll  func(worker int, w Waker) (ready bool)
	state int
	home  int // the worker that has polled it last, or is to poll it first
}

// Wake makes one of the workers poll the task, once however often it is called
// before that. Any goroutine calls it, at any time.
func (t *Task) Wake() {
	p := t.pair
	sleeper := noWorker
	p.mu.Lock()
	switch t.state {
	case taskIdle:
		sleeper = p.push(t.home, t)
	case taskPolled:
		t.state = taskWokenPolled
	}
	p.mu.Unlock()
	p.rouse(sleeper)
}

// Pair is two workers, 0 and 1. Each has a queue of its own.
type Pair struct {
	parkers [2]Parker

	mu     sync.Locker // of all below, and of the tasks
	queues [2][]*Task
	asleep [2]bool // or about to sleep, and not woken since
	live   int     // tasks that haven't finished
}

const noWorker = -1

// NewPair makes a pair without tasks. Its locks are made by newLock, as many as
// it likes, and each worker sleeps in its own parker.
func NewPair(newLock func() sync.Locker, parkers [2]Parker) *Pair {
	return &Pair{mu: newLock(), parkers: parkers}
}

// Spawn makes a task and puts it into the queue of a worker, last. It is called
// before Run, or in a poll with the worker that polls.
func (p *Pair) Spawn(worker int, poll func(worker int, w Waker) (ready bool)) *Task {
	t := &Task{pair: p, poll: poll}
	p.mu.Lock()
	p.live++
	sleeper := p.push(worker, t)
	p.mu.Unlock()
	p.rouse(sleeper)
	return t
}

// push queues t, and returns who is to be woken for it. The lock is held.
func (p *Pair) push(worker int, t *Task) (sleeper int) {
	t.state = taskQueued
	t.home = worker
	p.queues[worker] = append(p.queues[worker], t)
	for _, w := range [2]int{worker, 1 - worker} {
		if p.asleep[w] {
			p.asleep[w] = false
			return w
		}
	}
	return noWorker
}

// rouse wakes a worker. The lock isn't held.
func (p *Pair) rouse(sleeper int) {
	if sleeper != noWorker {
		p.parkers[sleeper].Wake()
	}
}

// next takes a task out of the worker's own queue, or steals. The lock is held.
func (p *Pair) next(worker int) *Task {
	if len(p.queues[worker]) == 0 {
		theirs := p.queues[1-worker]
		half := min((len(theirs)+1)/2, 16) // no theft should take long
		p.queues[worker] = append(p.queues[worker], theirs[:half]...)
		p.queues[1-worker] = theirs[half:]
	}
	if len(p.queues[worker]) == 0 {
		return nil
	}
	t := p.queues[worker][0]
	p.queues[worker] = p.queues[worker][1:]
	t.state = taskPolled
	t.home = worker
	return t
}

// Run is a worker. It returns when all tasks have finished.
func (p *Pair) Run(worker int) {
	for {
		p.mu.Lock()
		t := p.next(worker)
		if t == nil {
			if p.live == 0 {
				p.mu.Unlock()
				return
			}
			p.asleep[worker] = true
			p.mu.Unlock()
			p.parkers[worker].Park()
			continue
		}
		p.mu.Unlock()
		ready := t.poll(worker, t)
		sleeper := noWorker
		p.mu.Lock()
		switch {
		case ready:
			t.state = taskFinished
			p.live--
			if p.live == 0 && p.asleep[1-worker] {
				p.asleep[1-worker] = false
				sleeper = 1 - worker
			}
		case t.state == taskWokenPolled:
			sleeper = p.push(worker, t)
		default:
			t.state = taskIdle
		}
		p.mu.Unlock()
		p.rouse(sleeper)
	}
}
