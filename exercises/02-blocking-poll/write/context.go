package main

// Context is what a future may ask of whoever polls it: another poll when that
// is worthwhile. Nobody listens yet; BlockOn polls again and again anyway.
type Context struct{}

// WakeWhenReadable asks for a poll once fd can be read, or has failed.
func (cx *Context) WakeWhenReadable(fd int) error { return nil }

// WakeWhenWritable asks for a poll once fd can be written, or has failed.
func (cx *Context) WakeWhenWritable(fd int) error { return nil }

// Forget takes back what was asked for fd, which is about to be closed.
func (cx *Context) Forget(fd int) {}
