package main

// A Context lets a future ask for its next poll. Only the goroutine of BlockOn may use it.
type Context struct{ reactor *Reactor }

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return cx.reactor.Register(fd, readable) }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return cx.reactor.Register(fd, writable) }

// Deregister withdraws what was asked for fd. Call it before you close fd.
func (cx *Context) Deregister(fd int) { cx.reactor.Deregister(fd) }
