// want: isn't an error, however often
package main

import "golang.org/x/sys/unix"

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

type writeAll struct {
	conn  Conn
	p     []byte
	sent  int // bytes of p
	waits int
}

func (w *writeAll) Poll(cx *Context) (Written, bool) {
	for w.sent < len(w.p) {
		n, err := w.conn.Write(w.p[w.sent:])
		if n > 0 { // on an error it is -1
			w.sent += n
		}
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			if w.waits++; w.waits > 1000 {
				return Written{N: w.sent, Err: unix.ETIMEDOUT}, true
			}
			err = w.conn.WakeWhenWritable(cx)
			if err == nil {
				return Written{}, false
			}
		}
		if err != nil {
			return Written{N: w.sent, Err: err}, true
		}
	}
	return Written{N: w.sent}, true
}
