//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptSocket has no accept4(2) on darwin, so it takes three calls.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for {
		conn, peer, err := unix.Accept(fd)
		if err == unix.EINTR {
			continue
		}
		if err == nil {
			unix.CloseOnExec(conn)
			if err = unix.SetNonblock(conn, true); err != nil {
				unix.Close(conn)
			}
		}
		return conn, peer, err
	}
}
