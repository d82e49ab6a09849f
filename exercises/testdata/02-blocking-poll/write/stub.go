package main

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

// Poll is yours to write.
func (w *WriteAll) Poll(cx *Context) (Written, bool) {
	return Written{}, false // not started
}
