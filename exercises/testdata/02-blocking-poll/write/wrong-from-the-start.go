// want: the peer got "abab
package main

import "golang.org/x/sys/unix"

// Written is what a WriteAll yields: how many bytes were taken, all of them or
// those before the error.
type Written struct {
	N   int
	Err error
}

// WriteAll is a future that writes all of p to a descriptor that never blocks.
type WriteAll struct {
	write func(fd int, p []byte) (n int, err error) // unix.Write, or a test's
	fd    int
	p     []byte
}

// NewWriteAll writes nothing yet.
func NewWriteAll(write func(int, []byte) (int, error), fd int, p []byte) *WriteAll {
	return &WriteAll{write: write, fd: fd, p: p}
}

func (w *WriteAll) Poll(cx *Context) (Written, bool) {
	sent := 0 // of this poll
	for sent < len(w.p) {
		n, err := w.write(w.fd, w.p[sent:])
		if n > 0 { // on an error it is -1
			sent += n
		}
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			err = cx.WakeWhenWritable(w.fd)
			if err == nil {
				return Written{}, false
			}
		}
		if err != nil {
			return Written{sent, err}, true
		}
	}
	return Written{N: sent}, true
}
