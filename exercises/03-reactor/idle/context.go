package main

// A Context lets a future ask for its next poll. It stays valid after Poll.
type Context struct{ reactor *Reactor }

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return cx.reactor.Register(fd, readable) }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return cx.reactor.Register(fd, writable) }

// Deregister withdraws what was asked for fd. It comes before fd is closed.
func (cx *Context) Deregister(fd int) { cx.reactor.Deregister(fd) }
