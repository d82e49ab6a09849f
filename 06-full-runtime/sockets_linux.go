package main

import "golang.org/x/sys/unix"

// newSocket makes the socket non-blocking and close-on-exec at once.
func newSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// acceptSocket does the same for a connection.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// dialResult is connectResult after an event for s. It asks the kernel only if
// the event said that the connection failed. That saves two calls for the others.
func dialResult(s *source) error {
	if s.ended {
		return connectResult(s.fd)
	}
	return nil
}
