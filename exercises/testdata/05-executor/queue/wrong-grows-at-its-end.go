// want: NewTask made a sixth one when 5 of them were in the queue; .* panics
package main

import "sync"

// Queue holds the tasks that were woken and haven't been polled yet. Any
// goroutine puts them in, through Wake; one executor takes them out.
type Queue struct {
	mu       sync.Locker
	executor Waker

	ring  []*Task // guarded by mu; a place for each task that was made
	first int     // guarded by mu; the place of the first task
	count int     // guarded by mu; how many tasks are in the queue
}

// NewQueue makes an empty queue. It uses mu, which isn't locked. executor ends
// the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue {
	return &Queue{mu: mu, executor: executor}
}

// Task is its own waker.
type Task struct {
	ID int

	queue  *Queue
	queued bool // guarded by queue.mu
}

// NewTask makes a task that hasn't been woken yet, and a place for it.
func (q *Queue) NewTask(id int) *Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ring = append(q.ring, nil)
	return &Task{ID: id, queue: q}
}

// Wake puts the task into the queue, unless it's there.
func (t *Task) Wake() {
	q := t.queue
	q.mu.Lock()
	if t.queued {
		q.mu.Unlock()
		return
	}
	t.queued = true
	q.ring[(q.first+q.count)%len(q.ring)] = t
	q.count++
	alone := q.count == 1
	q.mu.Unlock()
	if alone {
		q.executor.Wake()
	}
}

// Pop takes out the task that's first in the queue. It returns nil if there's
// none.
func (q *Queue) Pop() *Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count == 0 {
		return nil
	}
	t := q.ring[q.first]
	q.ring[q.first] = nil
	q.first = (q.first + 1) % len(q.ring)
	q.count--
	t.queued = false
	return t
}
