//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

func dialSocket(addr netip.AddrPort) (fd int, err error) { return openSocket(addr) }

// dialResult asks, because not every one of these kernels says with the event
// that the connection failed.
func dialResult(s *source) error { return connectResult(s.fd) }

// acceptSocket has no accept4(2) on darwin, so it takes three calls.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	conn, peer, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(conn)
		if err = unix.SetNonblock(conn, true); err != nil {
			unix.Close(conn)
		}
	}
	return conn, peer, err
}
