// want: the garbage collector has run
package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// openPipe returns the two ends of a pipe: what's written to w can be read from r.
// A read from r never waits.
func openPipe() (r, w int, err error) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, err
	}
	f := os.NewFile(uintptr(fds[0]), "r")
	err = unix.SetNonblock(int(f.Fd()), true)
	return fds[0], fds[1], err
}
