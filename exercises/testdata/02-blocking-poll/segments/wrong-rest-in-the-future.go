// want: abandoned
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

type readLine struct {
	reader *Reader
	rest   []byte // of a line that isn't complete
}

func (l *readLine) Poll(cx *Context) (Line, bool) {
	r := l.reader
	l.rest, r.rest = append(l.rest, r.rest...), nil
	for {
		if i := bytes.IndexByte(l.rest, '\n'); i >= 0 {
			line := string(l.rest[:i])
			r.rest = l.rest[i+1:]
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
		case n == 0 && len(l.rest) > 0: // the last line has no "\n"
			line := string(l.rest)
			l.rest = nil
			return Line{Text: line}, true
		case n == 0:
			return Line{Err: io.EOF}, true
		}
		l.rest = append(l.rest, r.buf[:n]...)
	}
}
