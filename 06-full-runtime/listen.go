package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts TCP connections, for one task at a time.
type Listener struct {
	source
	reactor *Reactor
	addr    netip.AddrPort
	trouble bool // has been reported; it's over when nothing is left to accept
	closed  bool
}

// Listen opens addr, whose port may be 0: Addr says which one it got. It's for
// tasks, and for other goroutines while the runtime doesn't run.
func Listen(rt *Runtime, addr netip.AddrPort) (*Listener, error) {
	l := &Listener{reactor: &rt.reactor}
	err := l.open(addr)
	if addr.Addr() == netip.IPv6Unspecified() && err != nil && !errors.Is(err, unix.EADDRINUSE) {
		err = l.open(netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())) // there's no IPv6
	}
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	return l, nil
}

func (l *Listener) open(addr netip.AddrPort) (err error) {
	at, err := sockaddr(addr)
	if err != nil {
		return err
	}
	if l.fd, err = openSocket(addr); err != nil {
		return err
	}
	if addr.Addr() == netip.IPv6Unspecified() { // also for IPv4, whatever is usual on this system
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0))
	}
	err = cmp.Or(err,
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)),
		// Accepted connections inherit this: small writes are sent at once.
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
		os.NewSyscallError("bind", unix.Bind(l.fd, at)),
		os.NewSyscallError("listen", unix.Listen(l.fd, 4096)), // the kernel lowers it to its limit
	)
	name, failure := unix.Getsockname(l.fd)
	if err = cmp.Or(err, failure); err == nil {
		l.addr = addrPort(name)
		err = l.reactor.addSource(&l.source)
	}
	if err != nil {
		unix.Close(l.fd)
	}
	return err
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			ip = ip.WithZone(strconv.Itoa(int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// Addr returns the address at which connections are accepted.
func (l *Listener) Addr() netip.AddrPort { return l.addr }

// Close stops listening. A task that waits in Accept fails with net.ErrClosed.
func (l *Listener) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	return l.reactor.closeSource(&l.source)
}

// Accept yields the next connection. If the process has no descriptor left, for
// example, it reports that and tries again after a pause.
func (l *Listener) Accept() Future[Result[*Stream]] { return &accept{listener: l} }

const acceptPause = 20 * time.Millisecond

type accept struct {
	listener *Listener // nil once it has finished
	pause    sleep     // since there was trouble
	waker    Waker     // of the latest poll
}

func (a *accept) Poll(cx *Context) (Result[*Stream], bool) {
	l := a.listener
	mustBePending(l != nil, "Accept")
	s, err := a.accept(cx)
	if err == unix.EAGAIN {
		a.waker = cx.waker
		l.setWaker(readable, cx)
		return Result[*Stream]{}, false
	}
	a.Close()
	if err != nil {
		err = fmt.Errorf("accept at %s: %w", l.addr, err)
	}
	return Result[*Stream]{s, err}, true
}

// accept returns EAGAIN if there's nothing to accept now.
func (a *accept) accept(cx *Context) (*Stream, error) {
	for l := a.listener; !l.closed; {
		if a.pause.d > 0 {
			if _, over := a.pause.Poll(cx); !over {
				return nil, unix.EAGAIN
			}
			a.pause = sleep{}
		}
		if !l.ready[readable] || !cx.takeBudget() {
			return nil, unix.EAGAIN
		}
		s, err := l.accept()
		switch err {
		case unix.ECONNABORTED, unix.EPROTO, unix.EINTR: // the next one may be fine
		case unix.EAGAIN:
			l.ready[readable], l.trouble = false, false
		case nil, unix.EBADF, unix.EFAULT, unix.EINVAL, unix.ENOTSOCK:
			return s, err
		default: // if we tried again at once, it would fail again, at full speed
			a.pause.d = acceptPause
			if !l.trouble {
				l.trouble = true
				cx.report(fmt.Errorf("accept at %s, again every %v: %w", l.addr, acceptPause, err))
			}
		}
	}
	return nil, net.ErrClosed
}

// accept makes a stream. It counts as ready, since the first bytes of a
// connection have often come with it.
func (l *Listener) accept() (*Stream, error) {
	fd, peer, err := acceptSocket(l.fd)
	if err != nil {
		return nil, err
	}
	s := &Stream{source: source{fd: fd, ready: directions{true, true}}, reactor: l.reactor, peer: addrPort(peer)}
	if err = l.reactor.addSource(&s.source); err != nil {
		unix.Close(fd)
	}
	return s, err
}

// Close waits no longer. A connection that has come is for the next Accept.
func (a *accept) Close() error {
	if a.listener != nil {
		a.listener.removeWaker(readable, a.waker)
		a.pause.Close()
		a.listener = nil
	}
	return nil
}
