// want: not in the order of their wakes
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

// Wake puts the task into the queue, unless it is there. The executor is woken
// when that is done, and without the lock: it may look at once.
func (t *Task) Wake() {
	if t.queue.push(t) {
		t.queue.executor.Wake()
	}
}

func (q *Queue) push(t *Task) (added bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if added = !t.queued; added {
		t.queued = true
		q.ready = append(q.ready, t)
	}
	return added
}

// Pop takes out the task that is first in the queue. It gives nil if there is
// none. A wake from now on puts the task into the queue again.
func (q *Queue) Pop() (t *Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) > 0 {
		last := len(q.ready) - 1
		t, q.ready = q.ready[last], q.ready[:last]
		t.queued = false
	}
	return t
}
