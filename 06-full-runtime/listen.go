package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts TCP connections, for one task at a time.
type Listener struct {
	source
	runtime *Runtime
	addr    netip.AddrPort
	closed  bool
}

// Listen opens addr, whose port may be 0: Addr says which one it got. It is
// called from inside a task, or while the runtime does not run.
func Listen(rt *Runtime, addr netip.AddrPort) (*Listener, error) {
	fd, err := openSocket(addr)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	l := &Listener{source: source{fd: fd}, runtime: rt}
	if l.addr, err = bind(fd, addr); err == nil {
		err = rt.reactor.add(&l.source)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	return l, nil
}

func bind(fd int, addr netip.AddrPort) (bound netip.AddrPort, err error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return bound, os.NewSyscallError("setsockopt", err)
	}
	// What is accepted inherits this: small writes are sent at once.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return bound, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, sockaddr(addr)); err != nil {
		return bound, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 4096); err != nil { // the kernel lowers it to its limit
		return bound, os.NewSyscallError("listen", err)
	}
	name, err := unix.Getsockname(fd)
	return addrPort(name), os.NewSyscallError("getsockname", err)
}

func sockaddr(addr netip.AddrPort) unix.Sockaddr {
	if addr.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	}
	return &unix.SockaddrInet6{Addr: addr.Addr().As16(), Port: int(addr.Port())}
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// Addr says where connections are accepted.
func (l *Listener) Addr() netip.AddrPort { return l.addr }

// Accepting is the future that Accept makes.
type Accepting struct {
	l     *Listener
	pause *Sleep // until descriptors may be free again, or nil
	waker Waker  // of the latest poll
	done  bool
}

// Accept yields the next connection. While the process has no descriptor left
// for it, it tries again after a pause; the others run on meanwhile.
func (l *Listener) Accept() *Accepting { return &Accepting{l: l} }

func (a *Accepting) Poll(cx *Context) (Result[*Stream], bool) {
	if a.done {
		panic("Accept polled after it finished")
	}
	s, err := a.accept(cx)
	if err == unix.EAGAIN {
		a.waker = cx.waker
		a.l.runtime.reactor.store(&a.l.source, readable, cx.waker)
		return Result[*Stream]{}, false
	}
	a.Close()
	if err != nil {
		err = fmt.Errorf("accept at %s: %w", a.l.addr, err)
	}
	return Result[*Stream]{s, err}, true
}

// accept returns EAGAIN if there is nothing to accept now.
func (a *Accepting) accept(cx *Context) (*Stream, error) {
	l := a.l
	for {
		if l.closed {
			return nil, net.ErrClosed
		}
		if a.pause != nil {
			if _, ready := a.pause.Poll(cx); !ready {
				return nil, unix.EAGAIN
			}
			a.pause = nil
		}
		if !l.ready[readable] || !l.runtime.mayTransfer(cx) {
			return nil, unix.EAGAIN
		}
		fd, peer, err := acceptSocket(l.fd)
		switch err {
		case nil:
			if s, err := l.adopt(fd, addrPort(peer)); err == nil {
				return s, nil
			}
			a.pause = NewSleep(acceptPause) // that connection is lost; the next one need not be
		case unix.EAGAIN:
			l.ready[readable] = false
		case unix.EBADF, unix.EFAULT, unix.EINVAL, unix.ENOTSOCK, unix.EOPNOTSUPP:
			return nil, err
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			a.pause = NewSleep(acceptPause)
		}
		// The others, ECONNABORTED for one, concern a connection that is gone:
		// see accept(2). The next one may be fine.
	}
}

const acceptPause = 20 * time.Millisecond

// adopt makes a stream of a connection. It is tried before it is waited for,
// since its first bytes have often come with it.
func (l *Listener) adopt(fd int, peer netip.AddrPort) (*Stream, error) {
	r := &l.runtime.reactor
	s := &Stream{source: source{fd: fd, ready: interest{true, true}}, reactor: r, peer: peer}
	if err := r.add(&s.source); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// Close waits no longer. Who has connected is for the next Accept.
func (a *Accepting) Close() error {
	if !a.done {
		a.l.runtime.reactor.leave(&a.l.source, readable, a.waker)
	}
	a.done = true
	if a.pause != nil {
		a.pause.Close()
	}
	return nil
}

// Close stops listening, once. Who waits in Accept fails with net.ErrClosed.
func (l *Listener) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	return l.runtime.reactor.shut(&l.source)
}
