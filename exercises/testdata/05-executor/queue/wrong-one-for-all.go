// want: each queue has its own tasks
package main

import "sync"

// The queue's ends are the package's: two queues are one.
var first, last *Task

type Queue struct {
	mu       sync.Locker
	executor Waker
}

func NewQueue(mu sync.Locker, executor Waker) *Queue {
	first, last = nil, nil
	return &Queue{mu: mu, executor: executor}
}

type Task struct {
	ID     int
	q      *Queue
	next   *Task
	queued bool
}

func (q *Queue) NewTask(id int) *Task { return &Task{ID: id, q: q} }

func (t *Task) Wake() {
	q := t.q
	q.mu.Lock()
	empty := false
	if !t.queued {
		t.queued = true
		empty = last == nil
		if empty {
			first = t
		} else {
			last.next = t
		}
		last = t
	}
	q.mu.Unlock()
	if empty {
		q.executor.Wake()
	}
}

func (q *Queue) Pop() *Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := first
	if t == nil {
		return nil
	}
	first, t.next, t.queued = t.next, nil, false
	if first == nil {
		last = nil
	}
	return t
}
