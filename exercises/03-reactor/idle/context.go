package main

// Context is what a future may ask of whoever polls it: another poll when that
// is worthwhile. It stays valid after Poll has returned.
type Context struct{ reactor *Reactor }

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return cx.reactor.Register(fd, readable) }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return cx.reactor.Register(fd, writable) }

// Forget takes back what was asked for fd, which is about to be closed.
func (cx *Context) Forget(fd int) { cx.reactor.Forget(fd) }
