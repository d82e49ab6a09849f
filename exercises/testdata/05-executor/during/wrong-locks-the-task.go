// want: does it wait for a lock
package main

import "sync"

// Pool is an executor that polls on several goroutines, its workers. Each of
// them takes the task that is first in the queue.
type Pool struct {
	mu       sync.Mutex
	news     *sync.Cond // of mu; there's a task in runQueue, or nothing is left to do
	runQueue []*Task    // guarded by mu; the tasks to poll, first woken first
	live     int        // guarded by mu; how many tasks haven't finished
}

// Task is its own waker. It is
//
//	queued    in runQueue, until a worker takes it out
//	asleep    until it is woken
//	finished  because it was ready
type Task struct {
	pool    *Pool
	poll    func(w Waker) (ready bool)
	polling sync.Mutex // so that one worker polls it at a time
	state   state      // guarded by pool.mu
}

type state int

const (
	queued state = iota
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

// Wake puts the task into the queue, if it's asleep.
func (t *Task) Wake() {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if t.state == asleep {
		t.pool.push(t)
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
		t.state = asleep // before the poll: a wake during it puts the task into the queue
		p.mu.Unlock()
		t.polling.Lock()
		ready := t.poll(t)
		t.polling.Unlock()
		p.mu.Lock()
		if ready {
			t.state = finished
			p.live--
			p.news.Broadcast()
		}
	}
}
