package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// openSocket returns a TCP socket on which no call waits: what cannot be done
// at once fails with EAGAIN, or EINPROGRESS for a connect.
func openSocket(addr netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET6
	if addr.Addr().Is4() {
		family = unix.AF_INET
	}
	if fd, err = unix.Socket(family, unix.SOCK_STREAM, 0); err == nil {
		unix.CloseOnExec(fd) // a process started before this line would have it too; none is
		if err = unix.SetNonblock(fd, true); err == nil {
			return fd, nil
		}
		unix.Close(fd)
	}
	if err == unix.EMFILE {
		err = fmt.Errorf("%w (ulimit -n shows and raises the limit)", err)
	}
	return -1, fmt.Errorf("socket: %w", err)
}

// startConnect returns EAGAIN if fd will be writable when the connect is over.
// One that a signal interrupts goes on too; calling it again would fail.
func startConnect(fd int, addr netip.AddrPort) error {
	var to unix.Sockaddr = &unix.SockaddrInet6{Addr: addr.Addr().As16(), Port: int(addr.Port())}
	if addr.Addr().Is4() {
		to = &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	}
	err := unix.Connect(fd, to)
	if err == unix.EINPROGRESS || err == unix.EINTR {
		return unix.EAGAIN
	}
	return err
}

// connectResult returns nil if fd is connected, EAGAIN if that is under way,
// or why it failed. SO_ERROR alone cannot tell: it is 0 in the first two cases.
func connectResult(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		return unix.Errno(code)
	}
	if _, err = unix.Getpeername(fd); err == unix.ENOTCONN {
		return unix.EAGAIN
	}
	return err
}

// ignoringEINTR calls unix.Read or unix.Write, again at once if a signal interrupted
// it. Either may do only a part; 0 bytes read mean that the peer has finished.
// A write to a peer that is gone is EPIPE: Go keeps SIGPIPE to itself.
func ignoringEINTR(call func(int, []byte) (int, error), fd int, p []byte) (n int, err error) {
	for n, err = call(fd, p); err == unix.EINTR; n, err = call(fd, p) {
	}
	return max(n, 0), err
}
