package main

// A Context lets a future ask for its next poll. BlockOn polls anyway, so far.
type Context struct{}

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return nil }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return nil }

// Deregister withdraws what was asked for fd. Call it before you close fd.
func (cx *Context) Deregister(fd int) {}
