package main

import "sync"

// Queue holds the tasks that were woken and haven't been polled yet. Any
// goroutine puts them in, through Wake; one executor takes them out.
type Queue struct{}

// NewQueue makes an empty queue. It uses mu, which isn't locked. executor ends
// the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{} }

// Task is its own waker.
type Task struct {
	ID int
}

// NewTask makes a task that hasn't been woken yet.
func (q *Queue) NewTask(id int) *Task { return &Task{ID: id} }

// Wake puts the task into the queue, unless it's there. It's yours to write.
func (t *Task) Wake() {
	_ = t // not started
}

// Pop takes out the task that's first in the queue. It returns nil if there's
// none. It's yours to write.
func (q *Queue) Pop() *Task { return nil }
