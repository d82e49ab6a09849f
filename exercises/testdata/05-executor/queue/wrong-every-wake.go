// want: it is in the queue once|it's in the queue once
package main

import "sync"

// Queue holds the tasks that were woken and haven't been polled yet. Any
// goroutine puts them in, through Wake; one executor takes them out.
type Queue struct {
	executor Waker

	mu          sync.Locker
	first, last *node // guarded by mu
}

// NewQueue makes an empty queue. It uses mu, which isn't locked. executor ends
// the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{executor: executor, mu: mu} }

type node struct {
	task *Task
	next *node
}

// Task is its own waker.
type Task struct {
	ID    int
	queue *Queue
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
	n := &node{task: t}
	if q.last == nil {
		q.first = n
	} else {
		q.last.next = n
	}
	q.last = n
	return true
}

// Pop takes out the task that's first in the queue. It returns nil if there's
// none. From now on, a wake puts the task into the queue again.
func (q *Queue) Pop() *Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.first
	if n == nil {
		return nil
	}
	q.first = n.next
	if q.first == nil {
		q.last = nil
	}
	return n.task
}
