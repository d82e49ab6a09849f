package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// openSocket returns a TCP socket whose calls never wait. A call that would have
// to wait fails instead: connect with EINPROGRESS, any other with EAGAIN.
func openSocket(addr netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET6
	if addr.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == unix.EMFILE {
		err = fmt.Errorf("%w (ulimit -n shows and raises the limit)", err)
	}
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(fd) // ← a process started before this line would inherit fd; this program starts none
	return fd, unix.SetNonblock(fd, true)
}

// startConnect returns EAGAIN if a connect is under way; at its end, fd becomes
// writable. A signal (EINTR) doesn't stop it, and a second connect would fail.
func startConnect(fd int, addr netip.AddrPort) error {
	var to unix.Sockaddr = &unix.SockaddrInet6{Addr: addr.Addr().As16(), Port: int(addr.Port())}
	if addr.Addr().Is4() {
		to = &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	}
	switch err := unix.Connect(fd, to); err {
	case unix.EINPROGRESS, unix.EINTR:
		return unix.EAGAIN
	case unix.EAGAIN: // from the kernel, it means that nothing is under way
		return fmt.Errorf("no local port is free (%v)", err)
	default:
		return err
	}
}

// connectResult returns nil if fd is connected, EAGAIN if the connect is still
// under way, or else why it failed. SO_ERROR is 0 in both of the first two cases.
func connectResult(fd int) error {
	_, err := unix.Getpeername(fd) // before SO_ERROR, which says why if the connect fails in between
	code, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case code != 0:
		return unix.Errno(code)
	case err == unix.ENOTCONN:
		return unix.EAGAIN
	case err == unix.EINVAL: // macOS says so after a failure whose SO_ERROR has been read
		return unix.ENOTCONN
	}
	return err
}

// ignoringEINTR calls unix.Read or unix.Write, again if a signal interrupted it.
// Either may do only a part. Read returns 0 if the peer has finished sending.
func ignoringEINTR(call func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	n, err := call(fd, p)
	for err == unix.EINTR {
		n, err = call(fd, p)
	}
	return max(n, 0), err
}
