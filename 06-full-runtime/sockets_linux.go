package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// dialSocket is openSocket in one system call instead of four.
func dialSocket(addr netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET6
	if addr.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == unix.EMFILE {
		err = fmt.Errorf("%w (ulimit -n shows and raises the limit)", err)
	}
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	return fd, nil
}

// dialResult is connectResult after an event for s. The event has said whether
// the connection failed. Only if it did, there's something to ask the kernel
// for, which saves two calls for each connection.
func dialResult(s *source) error {
	if s.ended {
		return connectResult(s.fd)
	}
	return nil
}

// acceptSocket makes the connection non-blocking and close-on-exec at once.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	for {
		conn, peer, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != unix.EINTR {
			return conn, peer, err
		}
	}
}
