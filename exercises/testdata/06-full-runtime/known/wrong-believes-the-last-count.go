// want: whatever an event counts

package main

import (
	"io"

	"golang.org/x/sys/unix"
)

// Stream is a connection whose kernel counts: each event says how many bytes are
// there to read, as kqueue does.
type Stream struct {
	// read is the system call. It never waits. It returns some bytes, one at
	// least; or 0 and nil, when the peer has finished and all is read; or -1 and
	// an error of golang.org/x/sys/unix.
	read func(p []byte) (n int, err error)

	known int   // bytes that an event has told of and that haven't been read
	ended bool  // an event has said that the peer has finished
	over  bool  // read has returned 0
	waker Waker // of what waits, or nil
}

// NewStream makes a stream of which no event has told yet.
func NewStream(read func(p []byte) (int, error)) *Stream { return &Stream{read: read} }

// Event is called by the reactor, on the same goroutine: bytes have come, so
// that there were available ones in all when it looked. ended says that the peer
// has finished.
func (s *Stream) Event(available int, ended bool) {
	s.known = available
	s.ended = s.ended || ended
	if w := s.waker; w != nil {
		s.waker = nil
		w.Wake()
	}
}

// PollRead reads up to len(p) bytes. If it isn't ready, the waker of cx is called
// when there's a reason to try again. The error is io.EOF at the end.
func (s *Stream) PollRead(cx *Context, p []byte) (n int, err error, ready bool) {
	if len(p) == 0 {
		return 0, nil, true
	}
	if s.over && s.known == 0 {
		return 0, io.EOF, true
	}
	if s.known == 0 && !s.ended {
		s.waker = cx.Waker()
		return 0, nil, false
	}
	s.waker = nil
	n, err = s.read(p)
	for err == unix.EINTR {
		n, err = s.read(p)
	}
	switch {
	case err == unix.EAGAIN:
		s.known = 0
		s.waker = cx.Waker()
		return 0, nil, false
	case err != nil:
		return 0, err, true
	case n == 0:
		s.known = 0
		s.over = true
		return 0, io.EOF, true
	case n < len(p):
		s.known = 0
	default:
		s.known = max(0, s.known-n)
	}
	return n, nil, true
}
