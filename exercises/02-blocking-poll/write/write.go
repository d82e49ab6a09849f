package main

// A Conn is a connection whose Write never waits.
type Conn interface {
	// Write answers as unix.Write does: it has taken some of p, one byte at
	// least; or it returns -1 and an error.
	Write(p []byte) (n int, err error)
	// WakeWhenWritable asks for a poll once Write may take more.
	WakeWhenWritable(cx *Context) error
}

// Written is what WriteAll yields: how many bytes were taken, all of them or
// those before the error.
type Written struct {
	N   int
	Err error
}

// WriteAll is a future that writes all of p to c.
func WriteAll(c Conn, p []byte) Future[Written] { return &writeAll{conn: c, p: p} }

// You may add fields.
type writeAll struct {
	conn Conn
	p    []byte
}

// Poll is yours to write.
func (w *writeAll) Poll(cx *Context) (Written, bool) {
	return Written{}, false // not started
}
