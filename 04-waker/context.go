package main

// A Context lets a future ask for its next poll. It stays valid after Poll has
// returned.
type Context struct {
	waker   Waker
	reactor *Reactor
}

// Waker returns the waker of this poll. A future that waits for anything but a
// descriptor hands it on at each poll to the code that will notice the news,
// because only the waker of the latest poll counts.
func (cx *Context) Waker() Waker { return cx.waker }

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return cx.reactor.Register(fd, readable, cx.waker) }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return cx.reactor.Register(fd, writable, cx.waker) }

// Deregister withdraws what was asked for fd. It comes before fd is closed.
func (cx *Context) Deregister(fd int) { cx.reactor.Deregister(fd) }
