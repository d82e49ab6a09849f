package main

import "golang.org/x/sys/unix"

// meddledSyscall is in the copy of raw_linux.go what unix.RawSyscall is in the
// chapter. It never moves less than the kernel would: a Stream may rely on it
// that a short transfer leaves nothing.
func meddledSyscall(call, fd, p, n uintptr) (uintptr, uintptr, unix.Errno) {
	if _, err := meddle(int(fd), int(n)); err != nil {
		return ^uintptr(0), 0, err.(unix.Errno)
	}
	return unix.RawSyscall(call, fd, p, n)
}
