package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Stream is a TCP connection. One task may read while another one writes; of
// two that read, the first would not be woken.
type Stream struct {
	source
	reactor *Reactor
	peer    netip.AddrPort
	closed  bool
}

const maxTransfer = 64 << 10 // bytes a call

// PollRead reads up to len(p) bytes, or fails, or is not ready: then cx is
// woken when it makes sense to try again. The error is io.EOF when the peer
// has finished. It is for futures written by hand; others use Read.
func (s *Stream) PollRead(cx *Context, p []byte) (n int, err error, ready bool) {
	n, err, ready = s.transfer(cx, readable, p)
	if ready && n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err, ready
}

// PollWrite writes some of p, at least a byte, or fails, or is not ready.
func (s *Stream) PollWrite(cx *Context, p []byte) (n int, err error, ready bool) {
	return s.transfer(cx, writable, p)
}

func (s *Stream) transfer(cx *Context, dir direction, p []byte) (n int, err error, ready bool) {
	if s.closed {
		return 0, s.failed(dir, net.ErrClosed), true
	}
	if !s.ready[dir] {
		s.reactor.store(&s.source, dir, cx.waker)
		return 0, nil, false
	}
	if !cx.task.runtime.mayTransfer(cx) {
		return 0, nil, false
	}
	p = p[:min(len(p), maxTransfer)]
	if dir == readable {
		n, err = rawRead(s.fd, p)
	} else {
		n, err = rawWrite(s.fd, p)
	}
	if err == unix.EAGAIN {
		s.ready[dir] = false
		s.reactor.store(&s.source, dir, cx.waker)
		return 0, nil, false
	}
	if err != nil {
		return 0, s.failed(dir, err), true
	}
	// Less than asked for: the kernel has no more, and will report an edge when
	// it has. But not if the end came with the last edge: there is no other. And
	// not if urgent data did: a read stops where that is, whatever comes after.
	if n < len(p) && !s.ended {
		s.ready[dir] = false
	}
	return n, nil, true
}

func (s *Stream) failed(dir direction, err error) error {
	return fmt.Errorf("%s %s: %w", [...]string{"read", "write"}[dir], s.peer, err)
}

// CloseWrite tells the peer that nothing more will come. It can still be read from.
func (s *Stream) CloseWrite() error {
	if s.closed { // the number may be another's
		return s.failed(writable, net.ErrClosed)
	}
	return unix.Shutdown(s.fd, unix.SHUT_WR)
}

// Close closes the connection, once, and wakes who waits for it: they fail with
// net.ErrClosed.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.reactor.shut(&s.source)
}

// shut deregisters and closes s. Woken last, who waited finds it closed.
func (r *Reactor) shut(s *source) error {
	waited := r.remove(s) // before close: then the number may be another's
	err := unix.Close(s.fd)
	for _, w := range waited {
		wakeHere(w)
	}
	return err
}

// Reading is the future that Read makes.
type Reading struct {
	s     *Stream // nil when it has finished
	p     []byte
	waker Waker // of the latest poll
}

// Read yields how many bytes of p it has read: at least one, or an error.
func (s *Stream) Read(p []byte) *Reading { return &Reading{s: s, p: p} }

func (r *Reading) Poll(cx *Context) (Result[int], bool) {
	if r.s == nil {
		panic("Read polled after it finished")
	}
	n, err, ready := r.s.PollRead(cx, r.p)
	if r.waker = cx.waker; ready {
		r.s = nil
	}
	return Result[int]{n, err}, ready
}

// Close waits no longer. What has arrived is for the next Read.
func (r *Reading) Close() error {
	if s := r.s; s != nil {
		r.s = nil
		s.reactor.leave(&s.source, readable, r.waker)
	}
	return nil
}

// Writing is the future that Write makes.
type Writing struct {
	s     *Stream // nil when it has finished
	rest  []byte
	n     int
	waker Waker // of the latest poll
}

// Write yields how many bytes of p it has written: all, or an error.
func (s *Stream) Write(p []byte) *Writing { return &Writing{s: s, rest: p} }

func (w *Writing) Poll(cx *Context) (result Result[int], ready bool) {
	if w.s == nil {
		panic("Write polled after it finished")
	}
	w.waker = cx.waker
	for len(w.rest) > 0 {
		n, err, ready := w.s.PollWrite(cx, w.rest)
		if !ready {
			return result, false
		}
		w.n += n
		w.rest = w.rest[n:]
		if result.Err = err; err != nil {
			break
		}
	}
	result.Value, w.s = w.n, nil
	return result, true
}

// Close waits no longer. What has been written is on its way.
func (w *Writing) Close() error {
	if s := w.s; s != nil {
		w.s = nil
		s.reactor.leave(&s.source, writable, w.waker)
	}
	return nil
}

// Dialing is the future that Dial makes.
type Dialing struct {
	addr     netip.AddrPort
	stream   *Stream // nil before the first Poll, and at the end
	finished bool
}

// Dial connects to addr. It yields an error that says to whom if that fails.
// The connection does not have TCP_NODELAY, which accepted ones have: what is
// written in small pieces may wait for an answer to the piece before.
func Dial(addr netip.AddrPort) *Dialing { return &Dialing{addr: addr} }

func (d *Dialing) Poll(cx *Context) (Result[*Stream], bool) {
	if d.finished {
		panic("Dial polled after it finished")
	}
	err := d.connect(cx)
	if err == unix.EAGAIN {
		return Result[*Stream]{}, false
	}
	s := d.stream
	d.finished = true
	if err == nil {
		d.stream = nil
		return Result[*Stream]{Value: s}, true
	}
	d.Close()
	return Result[*Stream]{Err: fmt.Errorf("dial %s: %w", d.addr, err)}, true
}

func (d *Dialing) connect(cx *Context) error {
	if d.stream == nil {
		fd, err := dialSocket(d.addr)
		if err != nil {
			return err
		}
		if err := startConnect(fd, d.addr); err != nil && err != unix.EAGAIN {
			unix.Close(fd)
			return err
		}
		// Registered after connect: a socket that does not connect reports HUP.
		r := &cx.task.runtime.reactor
		d.stream = &Stream{source: source{fd: fd}, reactor: r, peer: d.addr}
		if err := r.add(&d.stream.source); err != nil {
			d.stream = nil
			unix.Close(fd)
			return err
		}
	}
	s := d.stream
	if s.ready[writable] {
		if err := dialResult(&s.source); err != unix.EAGAIN {
			return err
		}
		s.ready[writable] = false
	}
	s.reactor.store(&s.source, writable, cx.waker)
	return unix.EAGAIN
}

// Close gives up connecting.
func (d *Dialing) Close() error {
	d.finished = true
	if d.stream == nil {
		return nil
	}
	s := d.stream
	d.stream = nil
	return s.Close()
}
