package main

import (
	"cmp"
	"errors"
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
	addr    netip.AddrPort
	trouble bool // Accept fails and has said so; false again when nothing is left to accept
}

// Listen opens addr, whose port may be 0: Addr says which one it got. It's for
// tasks, and for other goroutines while the runtime doesn't run. Close it in the end.
func Listen(rt *Runtime, addr netip.AddrPort) (*Listener, error) {
	l := new(Listener)
	err := l.open(&rt.reactor, addr)
	if addr.Addr() == netip.IPv6Unspecified() && err != nil && !errors.Is(err, unix.EADDRINUSE) {
		err = l.open(&rt.reactor, netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())) // perhaps there's no IPv6 here
	}
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	return l, nil
}

func (l *Listener) open(r *Reactor, addr netip.AddrPort) (err error) {
	at, err := sockaddr(addr)
	if err != nil {
		return err
	}
	if l.fd, err = openSocket(addr); err != nil {
		return err
	}
	if addr.Addr() == netip.IPv6Unspecified() { // then [::] takes IPv4 too, whatever this system's default is
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0))
	}
	if err = cmp.Or(err,
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)),
		// Accepted connections inherit this: small writes are sent at once.
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
		os.NewSyscallError("bind", unix.Bind(l.fd, at)),
	); err == nil { // cmp.Or has made every call. Without a bind, listen would choose a port. The kernel caps 4096.
		err = os.NewSyscallError("listen", unix.Listen(l.fd, 4096))
	}
	name, failure := unix.Getsockname(l.fd)
	if err = cmp.Or(err, os.NewSyscallError("getsockname", failure)); err == nil {
		l.addr = addrPort(name)
		err = r.addSource(&l.source)
	}
	if err != nil {
		unix.Close(l.fd)
	}
	return err
}

// Addr returns the address at which connections are accepted.
func (l *Listener) Addr() netip.AddrPort { return l.addr }

const acceptPause = 20 * time.Millisecond // a Close meanwhile is noticed afterwards

// Accept yields the next connection, which is yours to close. If it can't, for lack of descriptors
// for example, it tells the trace and tries again after a pause. It fails once l is closed.
func (l *Listener) Accept() Future[Result[*Stream]] {
	return Async(func(co *Co) (r Result[*Stream]) {
		for r.Value == nil && r.Err == nil {
			var err error
			r.Value, err = l.accept(co.cx)
			switch err {
			case nil, unix.ECONNABORTED, unix.EPROTO, unix.EINTR: // the next one may be fine
			case unix.EAGAIN:
				co.wait(&l.source, readable)
			case net.ErrClosed, unix.EBADF, unix.EFAULT, unix.EINVAL, unix.ENOTSOCK:
				r.Err = fmt.Errorf("accept at %s: %w", l.addr, err)
			default: // if we tried again at once, it would fail again, at full speed
				if !l.trouble {
					l.trouble = true
					co.cx.report(fmt.Errorf("accept at %s, again every %v: %w", l.addr, acceptPause, err))
				}
				Await(co, Sleep(acceptPause))
			}
		}
		return r
	})
}

// accept returns EAGAIN if there's nothing to accept now, or the budget is spent.
func (l *Listener) accept(cx *Context) (*Stream, error) {
	if l.reactor == nil {
		return nil, net.ErrClosed
	}
	if !l.ready[readable] || !cx.takeBudget() {
		return nil, unix.EAGAIN
	}
	s, err := l.reactor.acceptStream(l.fd)
	if err == unix.EAGAIN {
		l.ready[readable], l.trouble = false, false
	}
	return s, err
}
