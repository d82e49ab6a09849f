package main

// Context stands in for the chapter's: a future gets one in each Poll.
type Context struct{ waker Waker }

// Waker returns what asks for another poll of the task. Only that of the latest
// Poll counts.
func (cx *Context) Waker() Waker { return cx.waker }
