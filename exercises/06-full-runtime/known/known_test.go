package main

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed known.go
var testSource string

const testReturns = "Event and PollRead must return at once; does one of them wait, or read again and again?"

// A testSocket is the kernel's side. Bytes arrive, and an event tells of them
// when the test says so.
type testSocket struct {
	testing.TB
	stream *Stream
	buffer string
	told   int // bytes in the buffer at the last event, less those read since
	news   bool
	ended  bool // the peer has finished
	tells  bool // and an event has said so
	fails  []error
	calls  int
	atOnce string // arrives after the event, and before the next read
	did    []string
	sent   string
	got    string
	woken  int
	then   func() // inside Wake, once
}

func (s *testSocket) Wake() {
	s.woken++
	if then := s.then; then != nil {
		s.then = nil
		then()
	}
}

func (s *testSocket) note(format string, args ...any) {
	s.did = append(s.did, fmt.Sprintf(format, args...))
}

func (s *testSocket) story() string {
	story := strings.Join(s.did[max(0, len(s.did)-10):], "; ")
	if len(s.did) > 10 {
		story = "...; " + story
	}
	return story
}

func (s *testSocket) read(p []byte) (int, error) {
	s.calls++
	s.arrive(s.atOnce)
	s.atOnce = ""
	if len(s.fails) > 0 {
		err := s.fails[0]
		s.fails = s.fails[1:]
		return -1, err
	}
	if s.told == 0 && !s.tells {
		s.Fatalf("%s; and now PollRead reads, though every byte that an event has told of was read: it was known that this call has nothing to find", s.story())
	}
	if len(s.buffer) == 0 && !s.ended {
		return -1, unix.EAGAIN
	}
	n := copy(p, s.buffer)
	s.buffer, s.got = s.buffer[n:], s.got+s.buffer[:n]
	if s.told = max(s.told-n, 0); n < len(p) {
		s.told = 0
	}
	return n, nil
}

func (s *testSocket) arrive(text string) {
	if text != "" {
		s.buffer, s.sent, s.news = s.buffer+text, s.sent+text, true
	}
}

// event tells of what has arrived.
func (s *testSocket) event() {
	s.told, s.tells, s.news = len(s.buffer), s.ended, false
	s.note("Event(%d, %t)", s.told, s.ended)
	s.stream.Event(s.told, s.ended)
}

func testTry(t *testing.T, f func(s *testSocket)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestBytesAreRead" {
		t.Skip("not tried: known.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "known.go", testSource)
		s := &testSocket{TB: t}
		s.stream = NewStream(s.read)
		f(s)
	})
}

// poll polls with room for so many bytes.
func (s *testSocket) poll(w Waker, room int) string {
	p := make([]byte, room)
	n, err, ready := s.stream.PollRead(&Context{waker: w}, p)
	if n < 0 || n > room {
		s.Fatalf("%s; and then PollRead with room for %d bytes returned n = %d", s.story(), room, n)
	}
	text := "not ready"
	if ready {
		text = fmt.Sprintf("%q, %v", p[:n], err)
	}
	s.note("PollRead(%d): %s", room, text)
	return text
}

// want polls, and wants this answer after so many calls.
func (s *testSocket) want(room, calls int, answer, look string) {
	s.Helper()
	s.calls = 0
	if got := s.poll(s, room); got != answer {
		s.Fatalf("%s; want %s: %s", s.story(), answer, look)
	}
	if s.calls != calls {
		s.Fatalf("%s; in the last one, read was called %d times, want %d: %s", s.story(), s.calls, calls, look)
	}
}

func (s *testSocket) wantWoken(times int, look string) {
	s.Helper()
	if s.woken != times {
		s.Fatalf("%s; the waker was called %d times, want %d: %s", s.story(), s.woken, times, look)
	}
	s.woken = 0
}

func testAnswer(text string) string { return fmt.Sprintf("%q, <nil>", text) }

const testEOF = `"", EOF`

func TestBytesAreRead(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("tea and toast")
		s.event()
		s.want(3, 1, testAnswer("tea"), "13 bytes are there")
		s.want(100, 1, testAnswer(" and toast"), "10 bytes are left")
	})
}

func TestNothingIsKnown(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.want(10, 0, "not ready", "no event has told of anything, so there's nothing to ask for")
		s.wantWoken(0, "nothing has happened")
		s.arrive("tea")
		s.event()
		s.wantWoken(1, "an event came while PollRead wasn't ready")
		s.want(10, 1, testAnswer("tea"), "3 bytes are there")
		s.want(10, 0, "not ready", "the 3 bytes that the event told of are read")
		s.arrive("x")
		s.event()
		s.wantWoken(1, "an event came while PollRead wasn't ready")
	})
}

func TestOnlyWhoWaitsIsWoken(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.want(10, 0, "not ready", "no event yet")
		s.arrive("tea")
		s.event()
		s.arrive("!")
		s.event()
		s.wantWoken(1, "two events came after one PollRead that wasn't ready: the first has woken the task, and the second has no news for it")
		s.want(10, 1, testAnswer("tea!"), "4 bytes are there")
		s.arrive("more")
		s.event()
		s.wantWoken(0, "the last PollRead was ready, so nothing waits")
	})
}

// The peer has finished, so PollRead reads again without an event.
func TestReadyWithoutAnEvent(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("ab")
		s.ended = true
		s.event()
		s.fails = []error{unix.EAGAIN}
		s.want(2, 1, "not ready", "read said EAGAIN")
		s.want(2, 1, testAnswer("ab"), "an event has said that the peer has finished, so PollRead reads again")
		s.stream.Event(0, true)
		s.note("Event(0, true)")
		s.wantWoken(0, "the last PollRead was ready, so nothing waits: that waker is from the one before")
		s.want(2, 1, testEOF, "all is read")
	})
}

func TestLatestWakerIsCalled(t *testing.T) {
	testTry(t, func(s *testSocket) {
		other := new(testSocket)
		s.poll(other, 10)
		s.want(10, 0, "not ready", "no event yet")
		s.arrive("tea")
		s.event()
		if other.woken > 0 {
			s.Fatal("PollRead was polled with two wakers, and the first one was called: only the latest counts")
		}
		s.wantWoken(1, "PollRead was polled with two wakers, and the latest counts")
	})
}

// The count is used up by a read that's filled.
func TestCountIsUsedUp(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcdefgh")
		s.event()
		s.want(4, 1, testAnswer("abcd"), "8 bytes are there")
		s.want(4, 1, testAnswer("efgh"), "4 bytes are left")
		s.want(4, 0, "not ready", "two reads of 4 bytes have taken the 8 that were there, and if more had come, an event would follow")
	})
}

func TestEventReplacesTheCount(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcd")
		s.event()
		s.arrive("ef")
		s.event()
		s.want(6, 1, testAnswer("abcdef"), "6 bytes are there: the second event counts all of them, also those of the first")
		s.want(6, 0, "not ready", "all 6 are read")
	})
}

func TestSecondEventTellsOfLess(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcdefgh")
		s.event()
		s.buffer = "gh" // another process has the same descriptor
		s.event()
		s.want(2, 1, testAnswer("gh"), "8 bytes were there, something else has read 6 of them, and the second event counts 2")
		s.want(2, 0, "not ready", "the second event has told of 2, and they are read: the latest count is the one that's right")
	})
}

func TestSecondEventTellsOfMore(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcd")
		s.event()
		s.arrive("efgh")
		s.event()
		s.want(4, 1, testAnswer("abcd"), "8 bytes are there")
		s.want(4, 1, testAnswer("efgh"), "the second event has told of 8, and 4 of them are left")
	})
}

func TestMoreThanWasKnown(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcd")
		s.event()
		s.atOnce = "efgh"
		s.want(6, 1, testAnswer("abcdef"), "4 were known, and 4 more came just before the read")
		s.want(6, 0, "not ready", "the 4 that were known are read. Two more are there, and their event is on its way")
		s.event()
		s.wantWoken(1, "the event for the 4 that came later")
		s.want(6, 1, testAnswer("gh"), "2 bytes are there")
		s.want(6, 0, "not ready", "all is read")
		s.arrive("i")
		s.event()
		s.want(6, 1, testAnswer("i"), "1 byte is there")
	})
}

func TestShortRead(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcdef")
		s.event()
		s.buffer = s.buffer[:2] // urgent data is counted, and a read stops there
		s.want(6, 1, testAnswer("ab"), "6 were counted, and a read with room for 6 has found 2")
		s.told = 0
		s.want(6, 0, "not ready", "the last read was short, so nothing is left, whatever was counted")
	})
}

func TestEAGAIN(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abc")
		s.event()
		s.buffer = ""
		s.want(6, 1, "not ready", "3 were counted, and read said EAGAIN: something else has read them")
		s.told = 0
		s.arrive("d")
		s.event()
		s.wantWoken(1, "read said EAGAIN, so PollRead wasn't ready, and then an event came")
		s.buffer = ""
		s.want(6, 1, "not ready", "1 was counted, and read said EAGAIN")
		s.told = 0
		s.want(6, 0, "not ready", "read said EAGAIN, so there's nothing until the next event")
	})
}

func TestEINTR(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abc")
		s.event()
		for range 1000 {
			s.fails = append(s.fails, unix.EINTR)
		}
		s.want(6, 1001, testAnswer("abc"), "1,000 signals came, so the call is repeated each time")
	})
}

func TestOtherErrors(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abc")
		s.event()
		s.fails = []error{unix.ECONNRESET}
		n, err, ready := s.stream.PollRead(&Context{waker: s}, make([]byte, 6))
		if n != 0 || !errors.Is(err, unix.ECONNRESET) || !ready {
			t.Fatalf("read failed with ECONNRESET: PollRead returned %d, %v, %t, want 0, that error, true", n, err, ready)
		}
		s.note("PollRead(6): ECONNRESET")
		s.want(6, 1, testAnswer("abc"), "3 bytes were known, and none of them has been read: an error says nothing about what's there")
	})
}

func TestEnd(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abcd")
		s.ended = true
		s.event()
		s.want(4, 1, testAnswer("abcd"), "4 bytes are there, and the peer has finished")
		s.want(4, 1, testEOF, "all is read, and an event has said that the peer has finished: no other event will come, so only read can tell")
		s.want(4, 0, testEOF, "the end was reached")
		s.want(4, 0, testEOF, "the end was reached")
	})
	testTry(t, func(s *testSocket) {
		s.arrive("abcd")
		s.ended = true
		s.event()
		s.want(100, 1, testAnswer("abcd"), "4 bytes are there, and the peer has finished")
		s.want(100, 1, testEOF, "the last read was short, and the end came with the same event")
	})
	testTry(t, func(s *testSocket) {
		s.want(4, 0, "not ready", "no event yet")
		s.ended = true
		s.event()
		s.wantWoken(1, "the end is news, though no byte has come")
		s.want(4, 1, testEOF, "the peer has finished, without a byte")
	})
	testTry(t, func(s *testSocket) {
		s.arrive("ab")
		s.ended = true
		s.event()
		s.stream.Event(2, false)
		s.note("Event(2, false)")
		s.want(4, 1, testAnswer("ab"), "2 bytes are there")
		s.want(4, 1, testEOF, "an event has said that the peer has finished, and a later one doesn't take that back")
	})
}

func TestEAGAINBeforeTheEnd(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.ended = true
		s.event()
		s.fails = []error{unix.EAGAIN}
		s.want(4, 1, "not ready", "the peer has finished, and read said EAGAIN: that isn't the end, 0 and nil is")
		s.want(4, 1, testEOF, "an event has said that the peer has finished, so PollRead reads again")
	})
}

func TestEndThatComesEarly(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.arrive("abc")
		s.ended = true
		s.event()
		s.buffer = ""
		s.want(4, 1, testEOF, "3 were counted, and read returned 0 and nil: that's the end, whatever was counted")
		s.want(4, 0, testEOF, "the end was reached")
	})
}

func TestNoRoom(t *testing.T) {
	testTry(t, func(s *testSocket) {
		s.want(0, 0, testAnswer(""), "no byte is wanted")
		s.arrive("ab")
		s.event()
		s.want(0, 0, testAnswer(""), "no byte is wanted, and a read of none would look like the end")
		s.want(4, 1, testAnswer("ab"), "2 bytes are there")
	})
}

// A conversation, different in each run.
func TestEverythingArrives(t *testing.T) {
	r := check.Random(t)
	testTry(t, func(s *testSocket) {
		for i := range 3000 {
			switch n := r.IntN(6); {
			case n == 0:
				s.arrive(fmt.Sprintf("%d,", i))
			case n == 1 && s.news:
				s.event()
			case n == 2 && s.atOnce == "":
				s.atOnce = fmt.Sprintf("%d;", i)
			default:
				if s.poll(s, 1+r.IntN(8)) == testEOF {
					s.Fatalf("%s; the peer hasn't finished", s.story())
				}
			}
		}
		s.arrive(s.atOnce)
		s.atOnce, s.ended = "", true
		s.event()
		for range 40_000 {
			if s.poll(s, 1+r.IntN(8)) == testEOF {
				if s.got != s.sent {
					s.Fatalf("%d bytes were sent and %d were read, and then came the end", len(s.sent), len(s.got))
				}
				return
			}
			s.did = s.did[max(0, len(s.did)-20):]
		}
		s.Fatalf("%s; 40,000 polls after the peer has finished, %d of %d bytes are read, and the end hasn't come", s.story(), len(s.got), len(s.sent))
	})
}
