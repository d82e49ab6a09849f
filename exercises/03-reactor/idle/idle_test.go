package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testWaits = "Poll must return when nothing can be done; does it sleep, or ask again and again?"

// A testClient says its pieces, one in each read; "" is its end. It takes what
// is written, but no more than it has room for, if it's slow.
type testClient struct {
	says []string
	slow bool
	room int
	got  string

	taken int  // bytes that were read from it
	ended bool // a read has given 0 bytes
}

func (c *testClient) read(fd int, p []byte) (int, error) {
	if len(c.says) == 0 {
		return -1, unix.EAGAIN
	}
	n := copy(p, c.says[0])
	c.taken += n
	c.ended = c.ended || n == 0
	if n < len(c.says[0]) {
		c.says[0] = c.says[0][n:]
	} else if n > 0 { // the end stays
		c.says = c.says[1:]
	}
	return n, nil
}

func (c *testClient) write(fd int, p []byte) (int, error) {
	n := len(p)
	if c.slow {
		n = min(n, c.room)
		c.room -= n
	}
	if n == 0 {
		return -1, unix.EAGAIN
	}
	c.got += string(p[:n])
	return n, nil
}

// A testServer has one client. Its reactor is the chapter's, and its descriptor
// a real one, but nothing sleeps: the tests look at what has been registered.
type testServer struct {
	testClient
	t    testing.TB
	echo Future[Echoed]
	r    *Reactor
	fd   int
}

func testServe(t testing.TB, c testClient) *testServer {
	t.Helper()
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	s := &testServer{testClient: c, t: t, r: r, fd: pair[0]}
	s.echo = Echo(s.read, s.write, s.fd)
	return s
}

// poll polls, and says what Poll has registered.
func (s *testServer) poll() (e Echoed, ready bool, asked directions) {
	s.r.Deregister(s.fd) // as Wait does with what it reports
	e, ready = s.echo.Poll(&Context{reactor: s.r})
	asked = s.r.waiting[s.fd]
	if s.taken > 0 && s.left() == 0 && !ready && asked[writable] {
		s.t.Fatalf("the client has said %d bytes, and this poll has sent the last of them, or there was nothing to send; and it asks for another poll when the socket is writable. What's left when Poll has sent something, not before, says whether to ask", s.taken)
	}
	return e, ready, asked
}

// left is what was read and isn't sent back.
func (s *testServer) left() int { return s.taken - len(s.got) }

// pollUntil polls until the client has got this. How much one poll reads is open.
func (s *testServer) pollUntil(want string) {
	for range len(want) + 3 {
		if _, ready, asked := s.poll(); ready || s.got == want || asked == (directions{}) {
			return
		}
	}
}

// checkIdle polls when there's nothing to do, and wants the client left alone.
func (s *testServer) checkIdle(t testing.TB, when string) {
	t.Helper()
	e, ready, asked := s.poll()
	if ready {
		t.Fatalf("%s Poll gave %+v, true: the client is silent, and has not finished", when, e)
	}
	if asked[writable] {
		t.Fatalf("%s Poll has nothing to send, and asks for another poll when the socket is writable. It is writable now, and nearly always: Wait returns at once, Poll asks again, and a core does nothing else. Where does it ask, and on what condition?", when)
	}
	if !asked[readable] {
		t.Fatalf("%s Poll does not ask for another poll when the socket is readable: who will notice that the client says something?", when)
	}
}

func TestSilentClient(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		s := testServe(t, testClient{})
		s.checkIdle(t, "before the client has said anything,")
		s.checkIdle(t, "at the second poll before the client has said anything,")
	})
}

func TestClientThatFallsSilent(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		text := fmt.Sprint("hello ", random.IntN(1000))
		s := testServe(t, testClient{says: []string{text, "and more"}})
		s.pollUntil(text + "and more")
		if s.got != text+"and more" {
			t.Fatalf("the client said %q and \"and more\", and got %q back", text, s.got)
		}
		s.checkIdle(t, "after the client had got its answer,")
		long := strings.Repeat(text, 200)
		s.got, s.says, s.taken = "", []string{long}, 0
		if s.pollUntil(long); s.got != long {
			t.Fatalf("the client said %d bytes at once, and got %d back, or others", len(long), len(s.got))
		}
		s.got, s.says = text+"and more", []string{"again"}
		s.pollUntil(text + "and moreagain")
		if s.got != text+"and moreagain" {
			t.Fatalf("after a silence the client said \"again\", and has got %q in all", s.got)
		}
		s.checkIdle(t, "after the client had got its second answer,")
	})
}

func TestSlowClient(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		text := fmt.Sprint("hello ", random.IntN(1000))
		for room := range text { // all but so many bytes are left
			s := testServe(t, testClient{says: []string{text}, slow: true, room: room})
			var asked directions
			for poll := 1; poll <= len(text) && (poll <= 2 || s.left() == 0); poll++ {
				_, _, asked = s.poll()
			}
			if s.left() > 0 && !asked[writable] {
				t.Fatalf("the peer took %d of %d bytes, and Poll does not ask for another poll when the socket is writable again: who will send the others?", room, len(text))
			}
		}
		s := testServe(t, testClient{says: []string{text}, slow: true, room: 2})
		for range 3 {
			_, _, asked := s.poll()
			if s.left() > 0 && s.got != "he" {
				t.Fatalf("the client takes 2 bytes and no more for now, and got %q", s.got)
			}
			if s.left() > 0 && !asked[writable] {
				t.Fatalf("the peer took 2 of %d bytes, and Poll does not ask for another poll when the socket is writable again: who will send the others?", len(text))
			}
		}
		s.room = 1
		s.poll()
		s.slow = false
		s.pollUntil(text)
		if s.got != text {
			t.Fatalf("the slow client said %q and got %q back", text, s.got)
		}
		s.checkIdle(t, "after a slow client had got its answer,")

		long, got, slow := strings.Repeat("0123456789", 120_000), []byte(nil), true
		s = testServe(t, testClient{says: []string{long}})
		s.echo = Echo(s.read, func(fd int, p []byte) (int, error) {
			if slow {
				return -1, unix.EAGAIN
			}
			got = append(got, p...)
			return len(p), nil
		}, s.fd)
		for range 400 { // as much as it likes to read
			s.poll()
		}
		slow = false
		for range long {
			before, silent := len(got), len(s.says) == 0
			if _, ready, asked := s.poll(); ready || len(got) >= len(long) || silent && len(got) == before || asked == (directions{}) {
				break
			}
		}
		if string(got) != long {
			t.Fatalf("the client said %d bytes, took nothing for 400 polls and then everything, and has got %d bytes back, or others", len(long), len(got))
		}
	})
}

// Polls aren't time: a client may be silent, or take nothing, for as many as it likes.
func TestPatience(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		text := fmt.Sprint("hello ", random.IntN(1000))
		s := testServe(t, testClient{slow: true})
		wait := func(what string) {
			t.Helper()
			for poll := 1; poll <= 1500; poll++ {
				if e, ready, _ := s.poll(); ready {
					t.Fatalf("%s, and poll %d gave %+v, true, want false: EAGAIN says \"not now\", however often", what, poll, e)
				}
			}
		}
		wait("the client was silent")
		s.says = []string{text}
		wait("the client said " + text + " and took nothing")
		s.slow = false
		if s.pollUntil(text); s.got != text {
			t.Fatalf("the client said %q after a long silence, took nothing for a long time, and has got %q back", text, s.got)
		}
		wait("the client was silent again")
	})
}

func TestSlowClientThatHasFinished(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		long := strings.Repeat("hello", 600)
		s := testServe(t, testClient{says: []string{long, ""}, slow: true})
		for len(s.got) < len(long)-1 {
			s.room = 500
			if len(long)-len(s.got) <= s.room {
				s.room = len(long) - len(s.got) - 1
			}
			if _, ready, asked := s.poll(); ready || s.left() > 0 && !asked[writable] || asked == (directions{}) {
				t.Fatalf("the client said %d bytes and the end, has got %d, and takes no more for now; %d bytes that were read are left; Poll says ready: %t, and asks for readable: %t, for writable: %t, want not ready, and writable if something is left", len(long), len(s.got), s.left(), ready, asked[readable], asked[writable])
			}
		}
		s = testServe(t, testClient{says: []string{"hello", ""}, slow: true, room: 2})
		s.poll()
		_, ready, asked := s.poll()
		if ready || s.left() > 0 && !asked[writable] {
			t.Fatalf("the client said hello, took 2 bytes and will say no more; Poll says ready: %t, and that it asks for the socket to be writable: %t, want false and true: three bytes are left to send", ready, asked[writable])
		}
		if s.ended && asked[readable] {
			t.Fatal("the client will say no more, and Poll asks for another poll when the socket is readable: at its end it is readable forever")
		}
		s.slow = false
		e, ready, asked := s.poll()
		for range 10 { // until the end has been read, and everything sent
			if ready || s.ended && s.left() == 0 || asked == (directions{}) {
				break
			}
			e, ready, asked = s.poll()
		}
		if !ready || e != (Echoed{N: 5}) || s.got != "hello" {
			t.Fatalf("the client has finished and has got %q, and Poll gave %+v, %t, want {N:5 Err:<nil>}, true", s.got, e, ready)
		}
	})
}

// A client may finish at any time: before it has said anything, too, or when it
// has got everything and was silent for a while.
func TestClientThatFinishes(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		text := fmt.Sprint("hello ", random.IntN(1000))
		for _, said := range [][]string{nil, {"x"}, {text}, {text, text}} {
			for silent := range 4 {
				all := strings.Join(said, "")
				s := testServe(t, testClient{says: slices.Clone(said)})
				s.pollUntil(all)
				for range silent {
					s.poll()
				}
				s.says = append(s.says, "")
				e, ready, asked := s.poll()
				for range 3 { // how much one poll reads is open
					if s.ended && !ready && asked[readable] {
						t.Fatalf("the client has said %q and got %q back, and now a read has given 0 bytes; Poll asks for another poll when the socket is readable: at its end it is readable forever", all, s.got)
					}
					if ready || s.ended {
						break
					}
					e, ready, asked = s.poll()
				}
				if want := (Echoed{N: len(all)}); !ready || e != want || s.got != all {
					t.Fatalf("the client has said %q and got %q back, was silent for %d polls, and has finished: Poll gave %+v, %t, want %+v, true, also if it has said nothing", all, s.got, silent, e, ready, want)
				}
			}
		}
	})
}

// testErrnos are all errors of a descriptor but EAGAIN and EINTR.
func testErrnos() (all []unix.Errno) {
	for code := unix.Errno(1); code < 134; code++ {
		if unix.ErrnoName(code) != "" && code != unix.EAGAIN && code != unix.EINTR {
			all = append(all, code)
		}
	}
	return all
}

func TestClientThatIsGone(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		s := testServe(t, testClient{})
		for _, end := range append([]unix.Errno{unix.ECONNRESET, unix.ETIMEDOUT}, testErrnos()...) {
			s.testClient = testClient{}
			s.echo = Echo(func(int, []byte) (int, error) { return -1, end }, s.write, s.fd)
			if e, ready, _ := s.poll(); !ready || !errors.Is(e.Err, end) {
				t.Fatalf("reading failed with %v, and Poll gave %+v, %t, want the error and true", end, e, ready)
			}
			s.testClient = testClient{says: []string{"hello"}}
			s.echo = Echo(s.read, func(int, []byte) (int, error) { return -1, end }, s.fd)
			if e, ready, _ := s.poll(); !ready || !errors.Is(e.Err, end) {
				t.Fatalf("writing failed with %v, and Poll gave %+v, %t, want the error and true", end, e, ready)
			}
		}
	})
}

// The client breaks later, in the middle of its answer, before or after it has finished.
func TestWritingTheRestFails(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		s := testServe(t, testClient{})
		for i, end := range append([]unix.Errno{unix.EPIPE, unix.ECONNRESET, unix.ETIMEDOUT}, testErrnos()...) {
			for _, says := range [][]string{{"hello"}, {"hello", ""}} {
				taken, broke := i%3, false
				s.testClient = testClient{says: slices.Clone(says), slow: true, room: taken}
				s.echo = Echo(s.read, func(fd int, p []byte) (int, error) {
					if broke {
						return -1, end
					}
					return s.write(fd, p)
				}, s.fd)
				for range 8 { // until it has read what it likes to read
					s.poll()
				}
				broke = true
				if e, ready, _ := s.poll(); !ready || e != (Echoed{N: taken, Err: end}) {
					t.Fatalf("the client said %q, took %d bytes, and then writing the others failed with %s: Poll gave %+v, %t, want {N:%d Err:%v}, true: what's left will never be taken", says, taken, unix.ErrnoName(end), e, ready, taken, end)
				}
			}
		}
	})
}

// A client that takes nothing and then breaks. Who doesn't read meanwhile doesn't hear of it.
func TestClientThatIsGoneWithBytesLeft(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		s, broke := testServe(t, testClient{says: []string{"hello"}, slow: true}), false
		s.echo = Echo(func(fd int, p []byte) (int, error) {
			if len(s.says) == 0 {
				broke = true
				return -1, unix.ECONNRESET
			}
			return s.read(fd, p)
		}, s.write, s.fd)
		for range 10 {
			e, ready, _ := s.poll()
			if broke && (!ready || !errors.Is(e.Err, unix.ECONNRESET)) {
				t.Fatalf("the client took nothing of its hello, then reading failed with ECONNRESET, and Poll gave %+v, %t, want the error and true at once: what's left will never be taken", e, ready)
			}
			if ready {
				return
			}
		}
	})
}

func TestReactorThatFails(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, c := range []testClient{{}, {says: []string{"hello", ""}, slow: true}} {
			s := testServe(t, c)
			s.poll()
			s.r.broken = errors.New("the reactor is broken")
			if e, ready, _ := s.poll(); !ready || !errors.Is(e.Err, s.r.broken) {
				t.Fatalf("the reactor is broken, and Poll gave %+v, %t, want its error and true: nothing will cause another poll", e, ready)
			}
		}
	})
}
