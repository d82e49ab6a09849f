//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// newSocket has no SOCK_NONBLOCK on darwin, so it takes three calls.
func newSocket(family int) (int, error) {
	syscall.ForkLock.RLock() // a process started before CloseOnExec would inherit fd
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	return prepared(fd, err)
}

// acceptSocket has no accept4(2) on darwin.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	conn, peer, err := unix.Accept(fd)
	conn, err = prepared(conn, err)
	return conn, peer, err
}

// prepared makes fd close-on-exec and non-blocking, if there was no error so far.
func prepared(fd int, err error) (int, error) {
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	if err = unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// dialResult asks, because not every one of these kernels says with the event
// that the connection failed.
func dialResult(s *source) error { return connectResult(s.fd) }

// macOS and OpenBSD allow system calls only through their C library, so none is raw here.
var rawRead, rawWrite = unix.Read, unix.Write
