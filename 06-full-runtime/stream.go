package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Stream is a TCP connection, for the tasks of one runtime. One may read while another
// writes. Of two that read, only the later one would be woken.
type Stream struct {
	source
	peer netip.AddrPort
}

const maxTransfer = 64 << 10 // bytes per call: a longer one would hold up other tasks

// PollRead reads up to len(p) bytes, or fails, or isn't ready. Then the task of cx is woken
// when another try makes sense. The error is io.EOF when the peer has finished.
// Futures written by hand use PollRead. A body uses Conn.Read.
func (s *Stream) PollRead(cx *Context, p []byte) (n int, err error, ready bool) {
	return s.poll(cx, readable, p)
}

// PollWrite writes some of p, at least a byte if p isn't empty, or fails, or isn't ready.
func (s *Stream) PollWrite(cx *Context, p []byte) (n int, err error, ready bool) {
	return s.poll(cx, writable, p)
}

func (s *Stream) poll(cx *Context, dir direction, p []byte) (n int, err error, ready bool) {
	if s.reactor == nil {
		return 0, s.failed(dir, net.ErrClosed), true
	}
	if !s.ready[dir] {
		s.setWaker(dir, cx)
		return 0, nil, false
	}
	if !cx.takeBudget() {
		return 0, nil, false
	}
	p = p[:min(len(p), maxTransfer)]
	call := s.reactor.read
	if dir == writable {
		call = s.reactor.write
	}
	n, err = ignoringEINTR(call, s.fd, p)
	switch {
	case err == unix.EAGAIN:
		s.ready[dir] = false
		s.setWaker(dir, cx)
		return 0, nil, false
	case err != nil:
		return 0, s.failed(dir, err), true
	case n == 0 && dir == readable && len(p) > 0:
		return 0, io.EOF, true
	case n < len(p) && !s.ended:
		// A short transfer: the kernel has no more bytes or room, and will report an edge when it has.
		// (Once s.ended is set, only EAGAIN proves that: the end may have come with the
		// last edge, and a read also stops short in front of urgent data.)
		s.ready[dir] = false
	}
	return n, nil, true
}

func (s *Stream) failed(dir direction, err error) error {
	return fmt.Errorf("%s %s: %w", [...]string{"read", "write"}[dir], s.peer, err)
}

// CloseWrite tells the peer that nothing more will come. Reading goes on.
func (s *Stream) CloseWrite() error {
	if s.reactor == nil { // its number may be another connection's by now
		return s.failed(writable, net.ErrClosed)
	}
	return unix.Shutdown(s.fd, unix.SHUT_WR)
}

// acceptStream accepts a connection, which counts as ready at once,
// since the first bytes of a connection have often come with it.
func (r *Reactor) acceptStream(listener int) (*Stream, error) {
	fd, peer, err := acceptSocket(listener)
	if err != nil {
		return nil, err
	}
	return r.newStream(fd, addrPort(peer), directions{true, true})
}

// newStream registers a connection. If it can't, it closes fd.
func (r *Reactor) newStream(fd int, peer netip.AddrPort, ready directions) (*Stream, error) {
	s := &Stream{source: source{fd: fd, ready: ready}, peer: peer}
	if err := r.addSource(&s.source); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// Dial connects to addr from its first Poll on, without a timeout of its own. The connection
// doesn't have TCP_NODELAY, so small writes may wait for the ACK of the write before.
func Dial(addr netip.AddrPort) Future[Result[*Stream]] { return &dial{addr: addr} }

type dial struct {
	addr     netip.AddrPort
	stream   *Stream // nil before the first Poll, and at the end
	finished bool
}

func (d *dial) Poll(cx *Context) (r Result[*Stream], ready bool) {
	mustBePending(!d.finished, "Dial")
	if d.stream == nil {
		r.Err = d.start(cx.reactor())
	}
	if s := d.stream; s != nil {
		if s.ready[writable] {
			r.Err = dialResult(&s.source)
		}
		if !s.ready[writable] || r.Err == unix.EAGAIN {
			s.ready[writable] = false
			s.setWaker(writable, cx)
			return Result[*Stream]{}, false
		}
	}
	if r.Err == nil {
		r.Value, d.stream = d.stream, nil
	} else {
		r.Err = fmt.Errorf("dial %s: %w", d.addr, r.Err)
	}
	d.Close() // on success there's nothing left to close
	return r, true
}

func (d *dial) start(r *Reactor) error {
	fd, err := openSocket(d.addr)
	if err != nil {
		return err
	}
	if err = startConnect(fd, d.addr); err != nil && err != unix.EAGAIN {
		unix.Close(fd)
		return err
	}
	// Registered only now: before the connect, epoll would report HUP. If it's over already, add reports that.
	d.stream, err = r.newStream(fd, d.addr, directions{})
	return err
}

// Close gives up connecting.
func (d *dial) Close() error {
	s := d.stream
	d.stream, d.finished = nil, true
	if s == nil {
		return nil
	}
	return s.Close()
}
