package main

import "sync"

// A Parker puts one worker to sleep, as the one of chapter 05 does: Park returns
// when there has been a Wake, at once if it came before.
type Parker interface {
	Park()
	Wake()
}

// Task is a future that two workers poll. It's a Waker, its own.
type Task struct {
	pair *Pair
	poll func(worker int, w Waker) (ready bool)
}

// Wake makes one of the workers poll the task, once however often it is called
// before that. Any goroutine calls it, at any time. It's yours to write.
func (t *Task) Wake() {}

// Pair is two workers, 0 and 1. Each has a queue of its own.
type Pair struct {
	newLock func() sync.Locker
	parkers [2]Parker
}

// NewPair makes a pair without tasks. Its locks are made by newLock, as many as
// it likes, and each worker sleeps in its own parker.
func NewPair(newLock func() sync.Locker, parkers [2]Parker) *Pair {
	return &Pair{newLock: newLock, parkers: parkers}
}

// Spawn makes a task and puts it into the queue of a worker, last. It is called
// before Run, or in a poll with the worker that polls. It's yours to write.
func (p *Pair) Spawn(worker int, poll func(worker int, w Waker) (ready bool)) *Task {
	return &Task{pair: p, poll: poll}
}

// Run is a worker. It returns when all tasks have finished. It's yours to
// write.
func (p *Pair) Run(worker int) {} // not started
