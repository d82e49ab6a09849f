// want: there's no lock that both hold
package main

import "sync"

// Queue is a ring with a place for each task, which grows when a task is born.
type Queue struct {
	lock     sync.Locker
	executor Waker
	tasks    int     // how many were made
	ring     []*Task // has room for all of them
	from, n  int     // guarded by lock; the first, and how many
}

func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{lock: mu, executor: executor} }

type Task struct {
	ID    int
	queue *Queue
	in    bool
}

func (q *Queue) NewTask(id int) *Task {
	// Without the lock: nothing else knows a task that's just being made.
	if q.tasks++; q.tasks > len(q.ring) {
		ring := make([]*Task, 2*q.tasks)
		for i := range q.n {
			ring[i] = q.ring[(q.from+i)%len(q.ring)]
		}
		q.ring, q.from = ring, 0
	}
	return &Task{ID: id, queue: q}
}

func (t *Task) Wake() {
	if t.enter() {
		t.queue.executor.Wake()
	}
}

func (t *Task) enter() bool {
	q := t.queue
	q.lock.Lock()
	defer q.lock.Unlock()
	if t.in {
		return false
	}
	t.in = true
	q.ring[(q.from+q.n)%len(q.ring)] = t
	q.n++
	return true
}

func (q *Queue) Pop() (t *Task) {
	q.lock.Lock()
	if q.n > 0 {
		t, q.ring[q.from] = q.ring[q.from], nil
		q.from = (q.from + 1) % len(q.ring)
		q.n--
		t.in = false
	}
	q.lock.Unlock()
	return
}
