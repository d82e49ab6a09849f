package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Dial connects to addr. If that fails, the error says to whom. The connection
// doesn't have TCP_NODELAY, which accepted ones have, so what is written in
// small pieces may wait for an answer to the piece before.
func Dial(addr netip.AddrPort) Future[Result[*Stream]] { return &dial{addr: addr} }

type dial struct {
	addr     netip.AddrPort
	stream   *Stream // nil before the first Poll, and at the end
	finished bool
}

func (d *dial) Poll(cx *Context) (Result[*Stream], bool) {
	if d.finished {
		panic("Dial polled after it finished")
	}
	err := d.connect(cx)
	if err == unix.EAGAIN {
		cx.waitsFor("a connection")
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

// connect returns EAGAIN while the connection is under way.
func (d *dial) connect(cx *Context) error {
	if d.stream == nil {
		if err := d.start(cx.reactor()); err != nil {
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
	s.reactor.setWaker(&s.source, writable, cx.waker)
	return unix.EAGAIN
}

func (d *dial) start(r *Reactor) error {
	fd, err := dialSocket(d.addr)
	if err != nil {
		return err
	}
	s := &Stream{source: source{fd: fd}, reactor: r, peer: d.addr}
	if err = startConnect(fd, d.addr); err == nil || err == unix.EAGAIN {
		// After the connect: a socket that isn't connecting reports a hang-up.
		err = r.addSource(&s.source)
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	d.stream = s
	return nil
}

// Close gives up connecting.
func (d *dial) Close() error {
	d.finished = true
	s := d.stream
	if s == nil {
		return nil
	}
	d.stream = nil
	return s.Close()
}
