// want: each must be polled again
package main

import "sync"

// Pool is an executor that polls on several goroutines, its workers. Each of
// them takes the task that is first in the queue.
type Pool struct {
	mu       sync.Mutex
	news     *sync.Cond // of mu; there's a task in runQueue, or nothing is left to do
	runQueue []*Task    // guarded by mu; the tasks to poll, first woken first
	live     int        // guarded by mu; how many tasks haven't finished
	again    *Task      // guarded by mu; was woken during its poll
}

// Task is its own waker. It is
//
//	queued    in runQueue, until a worker takes it out
//	polled    by that worker, until the poll returns
//	asleep    because it was pending, until it's woken
//	finished  because it was ready
type Task struct {
	pool  *Pool
	poll  func(w Waker) (ready bool)
	state state // guarded by pool.mu
}

type state int

const (
	queued state = iota
	polled
	asleep
	finished
)

func NewPool() *Pool {
	p := new(Pool)
	p.news = sync.NewCond(&p.mu)
	return p
}

// Spawn makes a task, which is polled without having been woken.
func (p *Pool) Spawn(poll func(w Waker) (ready bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live++
	p.push(&Task{pool: p, poll: poll})
}

// Wake puts the task into the queue, if it's asleep. If it's being polled, that
// happens after the poll.
func (t *Task) Wake() {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	switch t.state {
	case asleep:
		t.pool.push(t)
	case polled:
		t.pool.again = t
	}
}

// push puts t at the end of the queue. The caller holds mu.
func (p *Pool) push(t *Task) {
	t.state = queued
	p.runQueue = append(p.runQueue, t)
	p.news.Signal()
}

// Work is one worker. It returns when every task has finished.
func (p *Pool) Work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.live > 0 {
		if len(p.runQueue) == 0 {
			p.news.Wait() // unlocks, sleeps, and locks
			continue
		}
		t := p.runQueue[0]
		p.runQueue = p.runQueue[1:]
		t.state = polled
		p.mu.Unlock()
		ready := t.poll(t)
		p.mu.Lock()
		again := p.again == t
		if again {
			p.again = nil
		}
		if ready {
			t.state = finished
			p.live--
			p.news.Broadcast()
		} else if again {
			p.push(t)
		} else {
			t.state = asleep
		}
	}
}
