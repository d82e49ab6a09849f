package main

// Context is what a future may ask of whoever polls it: another poll when that
// is worthwhile. It stays valid after Poll has returned.
type Context struct {
	waker Waker
	task  *Task
}

// Waker returns what asks for another poll of the future that is polled with
// cx. A future that waits for anything but a descriptor passes it on to
// whoever will know, at each Poll anew: only the latest counts.
func (cx *Context) Waker() Waker {
	cx.task.outside = true // whoever has it may wake the task: see deadlock
	return cx.waker
}

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error {
	return cx.task.runtime.reactor.Register(fd, readable, cx.waker)
}

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error {
	return cx.task.runtime.reactor.Register(fd, writable, cx.waker)
}

// Forget takes back what was asked for fd, which is about to be closed.
func (cx *Context) Forget(fd int) { cx.task.runtime.reactor.Forget(fd) }
