// want: another setting than unix.Pipe
package main

import "golang.org/x/sys/unix"

// openPipe returns the two ends of a pipe: what's written to w can be read from r.
// A read from r never waits.
func openPipe() (r, w int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	err = unix.SetNonblock(fds[0], true)
	return fds[0], fds[1], err
}
