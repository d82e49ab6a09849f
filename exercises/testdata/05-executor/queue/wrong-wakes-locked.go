// want: with the lock held
package main

import "sync"

// Queue holds the tasks that have been woken and not yet polled, first in,
// first out. Anybody puts them in, by Wake; one executor takes them out.
type Queue struct {
	executor Waker

	mu    sync.Locker
	ready []*Task // guarded by mu
}

// NewQueue makes an empty queue. It uses mu, which nobody has locked. executor
// ends the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{executor: executor, mu: mu} }

// Task is its own waker.
type Task struct {
	ID     int
	queue  *Queue
	queued bool // guarded by queue.mu: it is in ready
}

// NewTask makes a task that nobody has woken yet.
func (q *Queue) NewTask(id int) *Task { return &Task{ID: id, queue: q} }

// Wake puts the task into the queue, unless it is there.
func (t *Task) Wake() {
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if !t.queued {
		t.queued = true
		q.ready = append(q.ready, t)
		q.executor.Wake()
	}
}

// Pop takes out the task that is first in the queue. It gives nil if there is
// none. A wake from now on puts the task into the queue again.
func (q *Queue) Pop() (t *Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) > 0 {
		t, q.ready = q.ready[0], q.ready[1:]
		t.queued = false
	}
	return t
}
