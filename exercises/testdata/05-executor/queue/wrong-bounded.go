// want: Wake waits|Wake sleeps
package main

import "sync"

// Queue holds the tasks that were woken and haven't been polled yet. Any
// goroutine puts them in, through Wake; one executor takes them out.
type Queue struct {
	executor Waker

	mu    sync.Locker
	tasks chan *Task
}

// NewQueue makes an empty queue. It uses mu, which isn't locked. executor ends
// the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue {
	return &Queue{executor: executor, mu: mu, tasks: make(chan *Task, 1000)}
}

// Task is its own waker.
type Task struct {
	ID     int
	queue  *Queue
	queued bool // guarded by queue.mu
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
	if t.queued {
		q.mu.Unlock()
		return false
	}
	t.queued = true
	q.mu.Unlock()
	q.tasks <- t
	return true
}

// Pop takes out the task that's first in the queue. It returns nil if there's
// none. From now on, a wake puts the task into the queue again.
func (q *Queue) Pop() *Task {
	select {
	case t := <-q.tasks:
		q.mu.Lock()
		defer q.mu.Unlock()
		t.queued = false
		return t
	default:
		return nil
	}
}
