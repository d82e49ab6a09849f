package main

import "errors"

// ErrCancelled is how a task ends that was cancelled.
var ErrCancelled = errors.New("task cancelled")

// Tasks is the runtime, as a Group sees it.
type Tasks interface {
	// Spawn starts a task that polls f.
	Spawn(f Future[error]) Task
}

// Task is the handle of a task.
type Task interface {
	// Poll is ready when the task has ended, with its error. Otherwise cx is
	// woken when it ends.
	Poll(cx *Context) (error, bool)
	// Cancel asks the task to end. Some time later it does, with ErrCancelled, or
	// with something else if that came first.
	Cancel()
}
