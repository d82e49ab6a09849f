package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Stream is a TCP connection. One task may read while another one writes. Of two
// tasks that read, only the later one would be woken.
type Stream struct {
	source
	reactor *Reactor
	peer    netip.AddrPort
	closed  bool
}

const maxTransfer = 64 << 10 // bytes per call: a longer one would keep other tasks waiting

// PollRead reads up to len(p) bytes, or fails, or isn't ready. Then cx is woken
// when it makes sense to try again. The error is io.EOF when the peer has
// finished. PollRead is for futures written by hand; other code uses Read.
func (s *Stream) PollRead(cx *Context, p []byte) (n int, err error, ready bool) {
	n, err, ready = s.transfer(cx, readable, p)
	if ready && n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err, ready
}

// PollWrite writes some of p, at least a byte, or fails, or isn't ready.
func (s *Stream) PollWrite(cx *Context, p []byte) (n int, err error, ready bool) {
	return s.transfer(cx, writable, p)
}

func (s *Stream) transfer(cx *Context, dir direction, p []byte) (n int, err error, ready bool) {
	if s.closed {
		return 0, s.failed(dir, net.ErrClosed), true
	}
	if !s.ready[dir] {
		s.wait(cx, dir)
		return 0, nil, false
	}
	if !cx.takeBudget() {
		return 0, nil, false
	}
	p = p[:min(len(p), maxTransfer)]
	if dir == readable {
		n, err = ignoringEINTR(s.reactor.read, s.fd, p)
	} else {
		n, err = ignoringEINTR(s.reactor.write, s.fd, p)
	}
	if err == unix.EAGAIN {
		s.ready[dir] = false
		s.wait(cx, dir)
		return 0, nil, false
	}
	if err != nil {
		return 0, s.failed(dir, err), true
	}
	// If the kernel took or gave less than we asked for, it has no more, and
	// will report an edge when it has. We can't conclude that in two cases. If
	// the end came with the last edge, no other edge will come. And if urgent
	// data came, a read stops where that is, whatever follows it.
	if n < len(p) && !s.ended {
		s.ready[dir] = false
	}
	return n, nil, true
}

func (s *Stream) wait(cx *Context, dir direction) {
	s.reactor.setWaker(&s.source, dir, cx.waker)
	cx.waitsFor([...]string{"bytes to read", "room to write"}[dir])
}

func (s *Stream) failed(dir direction, err error) error {
	return fmt.Errorf("%s %s: %w", [...]string{"read", "write"}[dir], s.peer, err)
}

// CloseWrite tells the peer that nothing more will come. The stream can still be
// read from.
func (s *Stream) CloseWrite() error {
	if s.closed { // the number may be another connection's by now
		return s.failed(writable, net.ErrClosed)
	}
	return unix.Shutdown(s.fd, unix.SHUT_WR)
}

// Close closes the connection, once, and wakes the tasks that wait for it. They
// fail with net.ErrClosed.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.reactor.closeSource(&s.source)
}

// Read yields how many bytes of p it has read: at least one, or an error.
func (s *Stream) Read(p []byte) Future[Result[int]] { return &read{stream: s, p: p} }

type read struct {
	stream *Stream // nil once it has finished
	p      []byte
	waker  Waker // of the latest poll
}

func (r *read) Poll(cx *Context) (Result[int], bool) {
	if r.stream == nil {
		panic("Read polled after it finished")
	}
	r.waker = cx.waker
	n, err, ready := r.stream.PollRead(cx, r.p)
	if ready {
		r.stream = nil
	}
	return Result[int]{n, err}, ready
}

// Close waits no longer. What has arrived is for the next Read.
func (r *read) Close() error {
	if s := r.stream; s != nil {
		r.stream = nil
		s.reactor.removeWaker(&s.source, readable, r.waker)
	}
	return nil
}

// Write yields how many bytes of p it has written: all, or an error.
func (s *Stream) Write(p []byte) Future[Result[int]] { return &write{stream: s, rest: p} }

type write struct {
	stream *Stream // nil once it has finished
	rest   []byte
	n      int
	waker  Waker // of the latest poll
}

func (w *write) Poll(cx *Context) (Result[int], bool) {
	if w.stream == nil {
		panic("Write polled after it finished")
	}
	w.waker = cx.waker
	var err error
	for len(w.rest) > 0 && err == nil {
		var n int
		var ready bool
		n, err, ready = w.stream.PollWrite(cx, w.rest)
		if !ready {
			return Result[int]{}, false
		}
		w.n += n
		w.rest = w.rest[n:]
	}
	w.stream = nil
	return Result[int]{w.n, err}, true
}

// Close waits no longer. What has been written is on its way.
func (w *write) Close() error {
	if s := w.stream; s != nil {
		w.stream = nil
		s.reactor.removeWaker(&s.source, writable, w.waker)
	}
	return nil
}
