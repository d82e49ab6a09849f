// want: without having taken the lock
package main

import (
	"sync"
	"sync/atomic"
)

// Queue is a list with the links in the tasks.
type Queue struct {
	mu       sync.Locker
	executor Waker
	first    *Task
	last     *Task
	length   atomic.Int64
}

// NewQueue makes an empty queue. It uses mu, which isn't locked. executor ends
// the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue {
	return &Queue{mu: mu, executor: executor}
}

// Task is its own waker.
type Task struct {
	ID     int
	queue  *Queue
	next   *Task
	queued bool
}

// NewTask makes a task that hasn't been woken yet.
func (q *Queue) NewTask(id int) *Task { return &Task{ID: id, queue: q} }

// Wake puts the task into the queue, unless it's there.
func (t *Task) Wake() {
	q := t.queue
	q.mu.Lock()
	if t.queued {
		q.mu.Unlock()
		return
	}
	t.queued = true
	wasEmpty := q.first == nil
	if wasEmpty {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	q.length.Add(1)
	q.mu.Unlock()
	if wasEmpty {
		q.executor.Wake()
	}
}

// Pop takes out the task that's first in the queue. It returns nil if there's
// none.
func (q *Queue) Pop() *Task {
	if q.length.Load() == 0 {
		return nil // most calls end here, without the lock
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.first
	if t == nil {
		return nil
	}
	q.length.Add(-1)
	q.first = t.next
	if q.first == nil {
		q.last = nil
	}
	t.next = nil
	t.queued = false
	return t
}
