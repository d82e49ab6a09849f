// want: also if a read has filled the buffer
package main

import (
	"bytes"
	"io"

	"golang.org/x/sys/unix"
)

// A Conn is a connection whose Read never waits.
type Conn interface {
	// Read answers as unix.Read does: some bytes, one at least; or 0 and no
	// error, if the peer has finished; or -1 and an error.
	Read(p []byte) (n int, err error)
	// WakeWhenReadable asks for a poll once there's something to read.
	WakeWhenReadable(cx *Context) error
}

// Line is what ReadLine yields: a line without its "\n", or else an error. It's
// io.EOF if the peer has finished and no line is left.
type Line struct {
	Text string
	Err  error
}

// A Reader reads lines from a connection.
type Reader struct {
	conn Conn
	buf  [16]byte // what one Read can fill
	rest []byte   // what has come, and isn't part of a line that was yielded
}

func NewReader(c Conn) *Reader { return &Reader{conn: c} }

// ReadLine is a future that yields the next line.
func (r *Reader) ReadLine() Future[Line] { return &readLine{r} }

type readLine struct{ reader *Reader }

func (l *readLine) Poll(cx *Context) (Line, bool) {
	r := l.reader
	full := false // the latest read has filled buf, so there's probably more
	for {
		if !full {
			if line, ok := r.cut(); ok {
				return line, true
			}
		}
		n, err := r.conn.Read(r.buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if line, ok := r.cut(); ok {
				return line, true
			}
			if err = r.conn.WakeWhenReadable(cx); err == nil {
				return Line{}, false
			}
			return Line{Err: err}, true
		case err != nil:
			return Line{Err: err}, true
		case n == 0 && bytes.IndexByte(r.rest, '\n') >= 0:
			return r.cut()
		case n == 0 && len(r.rest) > 0: // the last line has no "\n"
			line := string(r.rest)
			r.rest = nil
			return Line{Text: line}, true
		case n == 0:
			return Line{Err: io.EOF}, true
		}
		r.rest = append(r.rest, r.buf[:n]...)
		full = n == len(r.buf)
	}
}

// cut takes the next line out of rest, if there is a whole one.
func (r *Reader) cut() (Line, bool) {
	i := bytes.IndexByte(r.rest, '\n')
	if i < 0 {
		return Line{}, false
	}
	line := string(r.rest[:i])
	r.rest = r.rest[i+1:]
	return Line{Text: line}, true
}
