package main

// A Context lets a future ask for its next poll, in Poll or later, on any goroutine.
type Context struct {
	waker   Waker
	reactor *Reactor
}

// Waker returns the waker of this poll. At each poll, a future without a descriptor hands
// it to whatever will call Wake, such as a timer. Only the latest poll's waker counts.
func (cx *Context) Waker() Waker { return cx.waker }

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return cx.reactor.Register(fd, readable, cx.waker) }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return cx.reactor.Register(fd, writable, cx.waker) }

// Deregister withdraws what was asked for fd. Call it before you close fd.
func (cx *Context) Deregister(fd int) { cx.reactor.Deregister(fd) }
