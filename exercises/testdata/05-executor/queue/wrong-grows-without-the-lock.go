// want: there's no lock that both hold
package main

import "sync"

// Queue is a ring with a place for each task, which grows when a task is born.
type Queue struct {
	lock     sync.Locker
	executor Waker
	ring     []*Task // len is the number of tasks
	from, n  int
}

func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{lock: mu, executor: executor} }

type Task struct {
	ID    int
	queue *Queue
	in    bool
}

func (q *Queue) NewTask(id int) *Task {
	// without the lock: a task that is being born is nobody's yet
	ring := make([]*Task, len(q.ring)+1, 2*len(q.ring)+1)
	if cap(q.ring) > len(q.ring) && q.from+q.n <= len(q.ring) {
		ring = q.ring[:len(q.ring)+1]
	} else {
		for i := range q.n {
			ring[i] = q.ring[(q.from+i)%len(q.ring)]
		}
		q.from = 0
	}
	q.ring = ring
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
