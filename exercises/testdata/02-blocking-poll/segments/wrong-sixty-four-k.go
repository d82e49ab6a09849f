// want: a line of 70000 bytes
package main

import (
	"bytes"
	"io"

	"golang.org/x/sys/unix"
)

type Conn interface {
	Read(p []byte) (n int, err error)
	WakeWhenReadable(cx *Context) error
}

type Line struct {
	Text string
	Err  error
}

type Reader struct {
	conn Conn
	buf  [16]byte
	rest []byte
}

func NewReader(c Conn) *Reader { return &Reader{conn: c} }

func (r *Reader) ReadLine() Future[Line] { return &readLine{reader: r} }

type readLine struct{ reader *Reader }

func (l *readLine) Poll(cx *Context) (Line, bool) {
	r := l.reader
	for {
		if i := bytes.IndexByte(r.rest, '\n'); i >= 0 {
			line := string(r.rest[:i])
			r.rest = r.rest[i+1:]
			return Line{Text: line}, true
		}
		n, err := r.conn.Read(r.buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if err = r.conn.WakeWhenReadable(cx); err == nil {
				return Line{}, false
			}
			return Line{Err: err}, true
		case err != nil:
			return Line{Err: err}, true
		case n == 0 && len(r.rest) > 0: // the last line has no "\n"
			line := string(r.rest)
			r.rest = nil
			return Line{Text: line}, true
		case n == 0:
			return Line{Err: io.EOF}, true
		}
		if len(r.rest) > 1<<16 {
			return Line{Err: unix.EMSGSIZE}, true // nobody has such a name
		}
		r.rest = append(r.rest, r.buf[:n]...)
	}
}
