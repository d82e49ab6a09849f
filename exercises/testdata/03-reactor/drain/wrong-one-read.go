// want: of "ab", "cd" the first turn
package main

import (
	"io"

	"golang.org/x/sys/unix"
)

// Source is a descriptor that the kernel has been asked about once and for all,
// edge-triggered: it says when there is something to read, not that there is.
type Source struct {
	read  func(p []byte) (n int, err error) // as unix.Read on the descriptor, which never blocks
	ready bool                              // there may be something that the kernel will not tell again
}

// NewSource reads nothing yet.
func NewSource(read func([]byte) (int, error)) *Source { return &Source{read: read} }

// Edge is called for each event: something has come.
func (s *Source) Edge() { s.ready = true }

// Turn reads what is there, with so many reads at most. It returns what has
// come, whether another turn is worthwhile without an event, and the error.
func (s *Source) Turn(reads int) (data []byte, more bool, err error) {
	if !s.ready {
		return nil, false, nil
	}
	s.ready = false
	buf := make([]byte, 4096)
	n, err := s.read(buf)
	for err == unix.EINTR {
		n, err = s.read(buf)
	}
	switch {
	case err == unix.EAGAIN:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case n == 0:
		return nil, false, io.EOF
	}
	return buf[:n], false, nil
}
