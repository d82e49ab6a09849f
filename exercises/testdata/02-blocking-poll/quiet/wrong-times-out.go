// want: a day later
package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// openPipe returns the two ends of a pipe: what's written to w can be read from r.
// A read from r never waits.
func openPipe() (r, w int, err error) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, err
	}
	err = unix.SetNonblock(fds[0], true)
	var was unix.Stat_t
	unix.Fstat(fds[1], &was)
	time.AfterFunc(3*time.Second, func() {
		var is unix.Stat_t
		if unix.Fstat(fds[1], &is) == nil && is.Ino == was.Ino {
			unix.Close(fds[1]) // still our pipe, and still open
		}
	})
	return fds[0], fds[1], err
}
