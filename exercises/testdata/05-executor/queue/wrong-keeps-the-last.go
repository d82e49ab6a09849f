// want: lost
package main

import "sync"

// Queue holds the tasks that were woken and haven't been polled yet. Any
// goroutine puts them in, through Wake; one executor takes them out.
type Queue struct {
	executor Waker

	mu          sync.Locker
	first, last *Task // guarded by mu; a list, through next
}

// NewQueue makes an empty queue. It uses mu, which isn't locked. executor ends
// the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{executor: executor, mu: mu} }

// Task is its own waker.
type Task struct {
	ID     int
	queue  *Queue
	next   *Task // guarded by queue.mu; the one behind it in the queue
	queued bool  // guarded by queue.mu
}

// NewTask makes a task that hasn't been woken yet.
func (q *Queue) NewTask(id int) *Task { return &Task{ID: id, queue: q} }

// Wake puts the task into the queue, unless it's there.
func (t *Task) Wake() {
	if t.queue.push(t) {
		t.queue.executor.Wake() // after the push, and without the lock: it may look at once
	}
}

// push reports whether it has put t into the queue.
func (q *Queue) push(t *Task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.queued {
		return false
	}
	t.queued = true
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	return true
}

// Pop takes out the task that's first in the queue. It returns nil if there's
// none. From now on, a wake puts the task into the queue again.
func (q *Queue) Pop() *Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.first
	if t == nil {
		return nil
	}
	q.first = t.next
	t.next, t.queued = nil, false
	return t
}
