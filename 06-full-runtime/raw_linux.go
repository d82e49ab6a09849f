//go:build linux && !race

package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// unix.Read tells Go's scheduler that the thread may block. That has its price,
// measured in MEASURED.md, and cannot happen here: these descriptors are
// non-blocking. On a blocking one a raw call would hold up the next garbage
// collection, and with it the process. At most maxTransfer bytes, for the same
// reason. Under the race detector raw_other.go is used, so that it sees p.

func rawRead(fd int, p []byte) (int, error) { return raw(unix.SYS_READ, fd, p) }

func rawWrite(fd int, p []byte) (int, error) { return raw(unix.SYS_WRITE, fd, p) }

func raw(call uintptr, fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno == 0 {
			return int(n), nil
		} else if errno != unix.EINTR {
			return 0, errno
		}
	}
}
