package main

// A Context lets a future ask for its next poll. It stays valid after Poll.
type Context struct {
	waker   Waker
	reactor *Reactor
}

// Waker returns the waker of this poll. Only the latest one counts, so a future without
// a descriptor passes it, at each poll, to the code that will get the news first.
func (cx *Context) Waker() Waker { return cx.waker }

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return cx.reactor.Register(fd, readable, cx.waker) }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return cx.reactor.Register(fd, writable, cx.waker) }

// Deregister withdraws what was asked for fd. It comes before fd is closed.
func (cx *Context) Deregister(fd int) { cx.reactor.Deregister(fd) }
