package main

import "sync"

// Queue holds the tasks that have been woken and not yet polled, first in,
// first out. Anybody puts them in, by Wake; one executor takes them out.
type Queue struct{}

// NewQueue makes an empty queue. It uses mu, which nobody has locked. executor
// ends the executor's sleep.
func NewQueue(mu sync.Locker, executor Waker) *Queue { return &Queue{} }

// Task is its own waker.
type Task struct {
	ID int
}

// NewTask makes a task that nobody has woken yet.
func (q *Queue) NewTask(id int) *Task { return &Task{ID: id} }

// Wake puts the task into the queue, unless it is there. It is yours to write.
func (t *Task) Wake() {} // not started

// Pop takes out the task that is first in the queue. It gives nil if there is
// none. It is yours to write.
func (q *Queue) Pop() *Task { return nil }
