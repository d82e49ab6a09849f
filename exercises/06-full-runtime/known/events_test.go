package main

import (
	"math"
	"strings"
	"testing"
)

// What the event told of was read by something else before it was counted.
func TestEventThatTellsOfNothing(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.want(10, 0, "not ready", "no event yet")
		s.event()
		s.wantWoken(1, "PollRead wasn't ready, and an event came. It tells of 0 bytes, and it's the next event all the same")
		s.want(10, 0, "not ready", "the event has told of 0 bytes")
		s.arrive("tea")
		s.event()
		s.wantWoken(1, "an event came while PollRead wasn't ready")
		s.buffer = ""
		s.event()
		s.want(10, 0, "not ready", "3 bytes were counted, and then 0: the latest count is the one that's right")
	})
}

// The woken task polls at once, inside Wake, and waits again.
func TestPollInsideTheWake(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.want(3, 0, "not ready", "no event yet")
		for _, text := range []string{"tea", "", "jam"} {
			s.then = func() {
				s.note("and inside its Wake")
				if text != "" {
					s.want(3, 1, testAnswer(text), "3 bytes are there")
				}
				s.want(3, 0, "not ready", "nothing is left")
			}
			s.arrive(text)
			s.event()
			s.wantWoken(1, "PollRead wasn't ready, the last time inside the Wake of the event before")
		}
	})
	for _, text := range []string{"", "tea"} {
		testTry(t, func(s *testSocket) {
			s.want(3, 0, "not ready", "no event yet")
			s.then = func() {
				s.note("and inside its Wake")
				if text != "" {
					s.want(3, 1, testAnswer(text), "3 bytes are there")
				}
				s.want(3, 1, testEOF, "this event has said that the peer has finished, and that counts inside its Wake as well: no other event will come")
			}
			s.arrive(text)
			s.ended = true
			s.event()
			s.wantWoken(1, "PollRead wasn't ready, and an event came")
		})
	}
}

// An event whose bytes something else has read by now, and with them the end.
func TestEventAfterTheEnd(t *testing.T) {
	for _, ended := range []bool{true, false} {
		for _, room := range []int{1, 3, 100} {
			testTry(t, func(s *testSocket) {
				s.ended = true
				s.event()
				s.want(room, 1, testEOF, "the peer has finished, and all is read")
				s.note("Event(3, %t)", ended)
				s.stream.Event(3, ended)
				s.wantWoken(0, "nothing waits after the end")
				for range 2 {
					s.want(room, 0, testEOF, "the end was reached, and from then on PollRead doesn't read, whatever an event counts")
				}
			})
		}
	}
}

// Numbers at which a small type of integer begins again.
func TestLargeCounts(t *testing.T) {
	for _, count := range []uint64{1, 255, 256, 257, 1<<15 + 1, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1<<31 - 1, 1 << 31, 1 << 32, 1<<32 + 1} {
		if count > math.MaxInt {
			break // on a machine with 32 bits
		}
		testTry(t, func(s *testSocket) {
			s.want(8, 0, "not ready", "no event yet")
			text := strings.Repeat("x", int(min(count, 1<<16+1)))
			s.arrive(text)
			s.told = int(count)
			s.note("Event(%d, false)", count)
			s.stream.Event(s.told, false)
			s.wantWoken(1, "an event came while PollRead wasn't ready")
			s.want(1, 1, testAnswer("x"), "many bytes are there")
			if count == 1 {
				s.want(1, 0, "not ready", "the only byte was read")
				return
			}
			left := len(text) - 1
			s.calls = 0
			p := make([]byte, left)
			if n, err, ready := s.stream.PollRead(&Context{waker: s}, p); n != left || err != nil || !ready || s.calls != 1 {
				s.Fatalf("an event told of %d bytes, and one of them was read; PollRead with room for %d called read %d times, and returned %d, %v, %t, want the rest, after one call", count, left, s.calls, n, err, ready)
			}
			if uint64(len(text)) == count {
				s.want(1, 0, "not ready", "all of them were read")
			}
		})
	}
}

// The peer says nothing for long, and PollRead is called again and again.
func TestManyPolls(t *testing.T) {
	testTry(t, func(s *testSocket) {
		for range 1500 {
			s.want(3, 0, "not ready", "no event yet, however often PollRead is called")
		}
		s.arrive("tea")
		s.event()
		s.wantWoken(1, "an event came while PollRead wasn't ready")
		s.want(3, 1, testAnswer("tea"), "3 bytes are there")
	})
}
