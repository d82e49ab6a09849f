// want: for as long as it likes
package main

import (
	"io"

	"golang.org/x/sys/unix"
)

// Source is a descriptor that the kernel has been asked about once and for all,
// edge-triggered: the kernel says when something comes, not that it's there.
type Source struct {
	read  func(p []byte) (n int, err error) // as unix.Read on the descriptor, which never blocks
	bufs  [2][]byte                         // in turn
	turns int
	maybe bool // there may be something that the kernel won't tell again
}

// NewSource reads nothing yet.
func NewSource(read func([]byte) (int, error)) *Source { return &Source{read: read} }

// Edge is called for each event: something has come.
func (s *Source) Edge() { s.maybe = true }

// Turn reads what's there, with so many reads at most.
func (s *Source) Turn(reads int) (data []byte, more bool, err error) {
	var buf [4096]byte
	s.turns++
	data = s.bufs[s.turns%2][:0]
	defer func() { s.bufs[s.turns%2] = data }()
	for i := 0; i < reads && s.maybe; i++ {
		n, err := s.read(buf[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			s.maybe = false
		case err != nil:
			s.maybe = false
			return data, false, err
		case n == 0:
			s.maybe = false
			return data, false, io.EOF
		default:
			data = append(data, buf[:n]...)
		}
	}
	return data, s.maybe, nil
}
