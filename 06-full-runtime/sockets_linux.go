package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// newSocket makes the socket non-blocking and close-on-exec at once.
func newSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// acceptSocket does the same for a connection.
func acceptSocket(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// dialResult is connectResult after an event for s. It asks the kernel only if the
// event said that the connection may have failed. That saves two calls for the others.
func dialResult(s *source) error {
	if s.ended {
		return connectResult(s.fd)
	}
	return nil
}

// rawRead and rawWrite don't tell Go's scheduler that the thread may block, as unix.Read
// does (entersyscall). That saves a tenth of an echo's time, and these descriptors never
// block. On one that does, a raw call would hold up the garbage collector, and the process.
func rawRead(fd int, p []byte) (int, error)  { return rawCall(unix.SYS_READ, fd, p) }
func rawWrite(fd int, p []byte) (int, error) { return rawCall(unix.SYS_WRITE, fd, p) }

func rawCall(number uintptr, fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
