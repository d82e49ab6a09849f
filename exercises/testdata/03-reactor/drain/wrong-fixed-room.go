// want: want
package main

import (
	"io"

	"golang.org/x/sys/unix"
)

type Source struct {
	read func(p []byte) (n int, err error)
	live bool
	more bool
	buf  []byte
	err  error
}

func NewSource(read func([]byte) (int, error)) *Source { return &Source{read: read} }

func (s *Source) Edge() { s.live = true }

func (s *Source) Turn(reads int) (data []byte, more bool, err error) {
	if !s.live {
		return nil, false, nil
	}
	room := make([]byte, 65536) // more never comes in a turn
	for i := 0; i < reads; i++ {
		n, err := s.read(room[len(data):])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			s.live = false
			return data, false, nil
		case err != nil:
			s.live = false
			return data, false, err
		case n == 0:
			s.live = false
			return data, false, io.EOF
		}
		data = room[:len(data)+n]
	}
	return data, true, nil
}
