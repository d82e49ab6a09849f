package main

// Stream is a connection whose kernel counts: each event says how many bytes are
// there to read, as kqueue does. You may add fields.
type Stream struct {
	// read is the system call. It never waits. It returns some bytes, one at
	// least; or 0 and nil, when the peer has finished and all is read; or -1 and
	// an error of golang.org/x/sys/unix.
	read func(p []byte) (n int, err error)
}

// NewStream makes a stream of which no event has told yet.
func NewStream(read func(p []byte) (int, error)) *Stream { return &Stream{read: read} }

// Event is called by the reactor, on the same goroutine: bytes have come, so
// that there were available ones in all when it looked. ended says that the peer
// has finished. Each arrival has its event, but several may share one, and
// nothing is reported a second time. It's yours to write.
func (s *Stream) Event(available int, ended bool) {}

// PollRead reads up to len(p) bytes. If it isn't ready, the waker of cx is called
// when there's a reason to try again. The error is io.EOF at the end. It's yours
// to write.
func (s *Stream) PollRead(cx *Context, p []byte) (n int, err error, ready bool) {
	return 0, nil, false // not started
}
