package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Dial connects to addr. The connection doesn't have TCP_NODELAY, which accepted
// ones have, so small writes may wait for the answer to the write before.
func Dial(addr netip.AddrPort) Future[Result[*Stream]] { return &dial{addr: addr} }

type dial struct {
	addr     netip.AddrPort
	stream   *Stream // while it connects
	finished bool
}

func (d *dial) Poll(cx *Context) (Result[*Stream], bool) {
	if d.finished {
		panic("Dial polled after it finished")
	}
	err := d.connect(cx)
	if err == unix.EAGAIN {
		return Result[*Stream]{}, false
	}
	s := d.stream
	if err != nil {
		d.Close()
		return Result[*Stream]{Err: fmt.Errorf("dial %s: %w", d.addr, err)}, true
	}
	d.stream, d.finished = nil, true
	return Result[*Stream]{Value: s}, true
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
	s.setWaker(writable, cx)
	return unix.EAGAIN
}

func (d *dial) start(r *Reactor) error {
	fd, err := dialSocket(d.addr)
	if err != nil {
		return err
	}
	s := &Stream{source: source{fd: fd}, reactor: r, peer: d.addr}
	if err = startConnect(fd, d.addr); err == nil || err == unix.EAGAIN {
		err = r.addSource(&s.source) // only now: a socket that isn't connecting reports HUP
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
	if d.stream == nil {
		return nil
	}
	return d.stream.Close()
}
