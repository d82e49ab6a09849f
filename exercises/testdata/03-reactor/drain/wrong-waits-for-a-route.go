// want: of ab, c and then "no route to host"
package main

import (
	"io"

	"golang.org/x/sys/unix"
)

// Source is a descriptor that the kernel has been asked about once and for all,
// edge-triggered: the kernel says when something comes, not that it's there.
type Source struct {
	read  func(p []byte) (n int, err error) // as unix.Read on the descriptor, which never blocks
	ready bool                              // there may be something that the kernel will not tell again
}

// NewSource reads nothing yet.
func NewSource(read func([]byte) (int, error)) *Source { return &Source{read: read} }

// Edge is called for each event: something has come.
func (s *Source) Edge() { s.ready = true }

// Turn reads what's there, with so many reads at most. It returns what has
// come, whether another turn is worthwhile without an event, and the error.
func (s *Source) Turn(reads int) (data []byte, more bool, err error) {
	var buf [4096]byte
	for range reads {
		if !s.ready {
			break
		}
		n, err := s.read(buf[:])
		switch {
		case err == unix.EINTR: // nothing was read, and nothing is known
		case err == unix.EAGAIN || err == unix.EHOSTUNREACH: // the route may come back
			s.ready = false // only now: from here on there will be an event
		case err != nil:
			s.ready = false
			return data, false, err
		case n == 0:
			s.ready = false
			return data, false, io.EOF
		default:
			data = append(data, buf[:n]...)
		}
	}
	return data, s.ready, nil
}
