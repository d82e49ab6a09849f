// want: N:70000
package main

import "golang.org/x/sys/unix"

type Conn interface {
	Write(p []byte) (n int, err error)
	WakeWhenWritable(cx *Context) error
}

type Written struct {
	N   int
	Err error
}

func WriteAll(c Conn, p []byte) Future[Written] { return &writeAll{conn: c, p: p} }

type writeAll struct {
	conn  Conn
	p     []byte
	n     int
	asked bool
}

func (w *writeAll) Poll(cx *Context) (Written, bool) {
	for w.n < len(w.p) {
		n, err := w.conn.Write(w.p[w.n:])
		if n > 0 {
			w.n += n
		}
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			if err = w.conn.WakeWhenWritable(cx); err == nil {
				return Written{}, false
			}
		}
		if err != nil {
			return Written{w.n, err}, true
		}
	}
	return Written{N: int(uint16(w.n))}, true
}
