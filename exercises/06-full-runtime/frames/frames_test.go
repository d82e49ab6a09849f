package main

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed frames.go
var testSource string

const testReturns = "Poll must return when the stream isn't ready; does it sleep, or read again and again without returning?"

// A testStream gives what its script says: bytes, an error, or testPause, when
// it isn't ready once.
type testStream struct {
	script []any
	cx     *Context // of the latest read
	asked  []int    // for how many bytes
	given  int
	most   int             // that a read gives, if it isn't 0
	free   func(asked int) // looks at each read
}

type testPause struct{}

func (s *testStream) PollRead(cx *Context, p []byte) (int, error, bool) {
	if s.asked = append(s.asked, len(p)); len(s.asked) > 100_000 {
		panic("after 100,000 reads")
	}
	s.cx = cx
	if s.free != nil {
		s.free(len(p))
	}
	if len(s.script) == 0 {
		return 0, nil, false
	}
	switch next := s.script[0].(type) {
	case []byte:
		if s.most > 0 {
			p = p[:min(len(p), s.most)]
		}
		n := copy(p, next)
		if s.script[0] = next[n:]; n == len(next) {
			s.script = s.script[1:]
		}
		s.given += n
		return n, nil, true
	case error:
		return 0, next, true
	}
	s.script = s.script[1:]
	return 0, nil, false
}

func testBytes(length int, body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(length)), body...)
}

func testMessage(body string) []byte { return testBytes(len(body), body) }

// testBody is as long as it says, and different in each run.
func testBody(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// testTry runs f in a bubble, if the exercise is started.
func testTry(t *testing.T, f func(t testing.TB, r *rand.Rand)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestWholeMessage" {
		t.Skip("not tried: frames.go is not started")
	}
	r := check.Random(t)
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "frames.go", testSource)
		f(t, r)
	})
}

// testPoll polls once, and wants this body, or "" and false if want is nil.
func testPoll(t testing.TB, f Future[Message], what string, want any) {
	t.Helper()
	got, ready := f.Poll(new(Context))
	text := fmt.Sprintf("{%s %v}, %t", testShort(string(got.Body)), got.Err, ready)
	switch want := want.(type) {
	case nil:
		if ready || got.Err != nil || len(got.Body) > 0 {
			t.Fatalf("%s: Poll returned %s, want {\"\" <nil>}, false", what, text)
		}
	case error:
		if !ready || !errors.Is(got.Err, want) || len(got.Body) > 0 {
			t.Fatalf("%s: Poll returned %s, want the error %q and true", what, text, want)
		}
		if got.Err != want {
			t.Fatalf("%s: Poll returned the error %q, which isn't %q itself, but something around it: a caller may compare it with ==", what, got.Err, want)
		}
	case string:
		if !ready || got.Err != nil || string(got.Body) != want {
			t.Fatalf("%s: Poll returned %s, want {%s <nil>}, true", what, text, testShort(want))
		}
	}
}

func testShort(s string) string {
	if len(s) > 20 {
		return fmt.Sprintf("%q and %d bytes more", s[:20], len(s)-20)
	}
	return fmt.Sprintf("%q", s)
}

func TestWholeMessage(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		body := testBody(r, 1+r.IntN(50))
		s := &testStream{script: []any{testMessage(body)}}
		testPoll(t, NewMessages(s).Next(), "a whole message has come", body)
	})
}

func TestNothingBeforeThePoll(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		s := &testStream{script: []any{testMessage("tea")}}
		f := NewMessages(s).Next()
		if len(s.asked) > 0 {
			t.Fatalf("NewMessages and Next have read %d times, and nothing has polled yet: a future that's only made does nothing", len(s.asked))
		}
		Close(f)
		if len(s.asked) > 0 {
			t.Fatal("a Next that was never polled has read when it was closed")
		}
	})
}

func TestMessageInParts(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		for range 50 {
			body := testBody(r, 1+r.IntN(12))
			s, pauses, parts := new(testStream), 0, []string{}
			for rest := testMessage(body); len(rest) > 0; {
				n := 1 + r.IntN(len(rest))
				s.script = append(s.script, rest[:n])
				rest = rest[n:]
				parts = append(parts, fmt.Sprint(n))
				if len(rest) > 0 && r.IntN(2) == 0 {
					s.script = append(s.script, testPause{})
					parts, pauses = append(parts, "a pause"), pauses+1
				}
			}
			f, what := NewMessages(s).Next(), fmt.Sprintf("4 and %d bytes come in parts of %s", len(body), strings.Join(parts, ", "))
			for range pauses {
				testPoll(t, f, what+"; the stream isn't ready", nil)
			}
			testPoll(t, f, what+"; all of it is there, and the same Poll goes on until the stream isn't ready", body)
		}
	})
}

// A slow stream, but each time there's something.
func TestManyReadsInOnePoll(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		body := testBody(r, 50_000)
		s := &testStream{script: []any{testMessage(body)}, most: 1}
		got, ready := NewMessages(s).Next().Poll(new(Context))
		if !ready {
			t.Fatalf("a message of 4+50,000 bytes is there, and each read gives one of them: after %d reads, Poll returned false. The stream was ready each time, so nothing will wake the task", len(s.asked))
		}
		if got.Err != nil || string(got.Body) != body {
			t.Fatalf("a message of 4+50,000 bytes is there, and each read gives one of them: Poll returned {%s %v}, true, want {%s <nil>}, true", testShort(string(got.Body)), got.Err, testShort(body))
		}
	})
}

func TestContextIsPassedOn(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		s := new(testStream)
		f := NewMessages(s).Next()
		for range 2 {
			cx := new(Context)
			f.Poll(cx)
			if s.cx != cx {
				t.Fatal("the stream wasn't polled with the Context of this Poll: when bytes come, nothing wakes the task")
			}
		}
	})
}

func TestNothingIsReadAhead(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		body := testBody(r, 2+r.IntN(20))
		s := &testStream{script: []any{append(testMessage(body), "GET / HTTP/1.1"...)}}
		total := 4 + len(body)
		s.free = func(asked int) {
			if left := total - s.given; left == 0 || asked > left {
				t.Fatalf("a message of 4 and %d bytes: when %d of them are read, Poll asks for %d more, and the message has only %d: what comes after it belongs to another reader", len(body), s.given, asked, left)
			}
			if asked == 0 {
				t.Fatal("Poll asks for 0 bytes: nothing can come of that")
			}
		}
		testPoll(t, NewMessages(s).Next(), "a whole message has come, and other bytes after it", body)
	})
}

// Every place at which a Next can be closed.
func TestNextThatIsClosed(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		first, second := testBody(r, 3), testBody(r, 5)
		all := append(testMessage(first), testMessage(second)...)
		for at := range len(all) {
			s := &testStream{script: []any{all[:at], testPause{}, all[at:]}}
			if at == 0 {
				s.script = s.script[1:]
			}
			m, what := NewMessages(s), fmt.Sprintf("two messages of 4+3 and 4+5 bytes come, with a pause after byte %d, in which the Next is closed", at)
			if at >= 7 {
				testPoll(t, m.Next(), what+"; the first message was there before that", first)
			}
			f := m.Next()
			testPoll(t, f, what, nil)
			Close(f)
			Close(f)
			if at < 7 {
				testPoll(t, m.Next(), what+": the next one goes on there, and no byte is lost", first)
			}
			testPoll(t, m.Next(), what+"; the second message", second)
		}
	})
}

func TestClosedAgainAndAgain(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		body := testBody(r, 30)
		s := new(testStream)
		for _, b := range testMessage(body) {
			s.script = append(s.script, []byte{b}, testPause{})
		}
		m, closed := NewMessages(s), []Future[Message]{}
		for i := range 4 + len(body) - 1 {
			f := m.Next()
			testPoll(t, f, fmt.Sprintf("a message of 4+30 bytes comes byte by byte, and each Next is closed after one of them (byte %d), and closed again when later ones have read on", i+1), nil)
			Close(f)
			for _, before := range closed {
				Close(before)
			}
			closed = append(closed, f, m.Next()) // the second of these two is never polled
		}
		for _, before := range closed {
			Close(before)
		}
		testPoll(t, m.Next(), "a message of 4+30 bytes has come byte by byte, and each Next but the last was closed after one of them, and again later", body)
	})
}

// A peer that's silent for long, in the middle of a message.
func TestManyPolls(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		body := testBody(r, 6)
		all, s := testMessage(body), new(testStream)
		for _, part := range [][]byte{all[:2], all[2:7], all[7:]} {
			for range 1500 {
				s.script = append(s.script, testPause{})
			}
			s.script = append(s.script, part)
		}
		f := NewMessages(s).Next()
		for poll := range 3 * 1500 {
			testPoll(t, f, fmt.Sprintf("a message of 4+6 bytes comes in three parts, and before each the stream isn't ready in 1,500 polls (this is poll %d)", poll+1), nil)
		}
		testPoll(t, f, "a message of 4+6 bytes has come, after 4,500 polls", body)
	})
}

func TestEmptyMessage(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		s := &testStream{script: []any{testMessage("")}}
		s.free = func(asked int) {
			if s.given == 4 {
				t.Fatal("the length is 0, so the message is complete, and Poll reads again")
			}
		}
		m := NewMessages(s)
		testPoll(t, m.Next(), "a message of 0 bytes has come", "")
		s.free, s.script = nil, []any{testMessage("tea")}
		testPoll(t, m.Next(), "a message of 0 bytes was read, and then one of 3 came", "tea")
	})
}

func TestEnd(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		all := testMessage("tea")
		for at := range len(all) + 1 {
			s := &testStream{script: []any{all[:at], io.EOF}}
			if at == 0 {
				s.script = s.script[1:]
			}
			m, what := NewMessages(s), fmt.Sprintf("%d of 4+3 bytes come, and then the end", at)
			switch at {
			case 0:
				testPoll(t, m.Next(), what+", between two messages", io.EOF)
			case len(all):
				testPoll(t, m.Next(), what, "tea")
				testPoll(t, m.Next(), what+", between two messages", io.EOF)
			default:
				testPoll(t, m.Next(), what+", in the middle of a message", io.ErrUnexpectedEOF)
			}
		}
		for _, bodies := range [][]string{{""}, {"", ""}, {"tea", ""}, {"", "tea"}} {
			s := new(testStream)
			for _, body := range bodies {
				s.script = append(s.script, testMessage(body))
			}
			s.script = append(s.script, io.EOF)
			m, what := NewMessages(s), fmt.Sprintf("messages with the bodies %q come, and then the end", bodies)
			for _, body := range bodies {
				testPoll(t, m.Next(), what, body)
			}
			testPoll(t, m.Next(), what+", between two messages", io.EOF)
		}
		m := NewMessages(&testStream{script: []any{testBytes(5, ""), testPause{}, io.EOF}})
		f := m.Next()
		testPoll(t, f, "the length has come", nil)
		Close(f)
		testPoll(t, m.Next(), "the length has come, the Next was closed, and then the end came: that's in the middle of a message", io.ErrUnexpectedEOF)
	})
}

func TestOtherErrors(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		all := testMessage(testBody(r, 5))
		for _, fails := range []error{
			errors.New("connection reset by peer"),
			errors.New("EOF"), // equal texts aren't equal errors
			fmt.Errorf("decrypting: %w", io.EOF),
		} {
			for at := range len(all) {
				what := fmt.Sprintf("%d of 4+5 bytes come, and then the stream fails with an error of its own, %q", at, fails)
				if errors.Is(fails, io.EOF) {
					what += ", which wraps io.EOF and isn't io.EOF"
				}
				s := &testStream{script: []any{all[:at], fails}}
				if at == 0 {
					s.script = s.script[1:]
				}
				testPoll(t, NewMessages(s).Next(), what, fails)
				s = &testStream{script: []any{all[:at], testPause{}, fails}}
				if at == 0 {
					s.script = s.script[1:]
				}
				m := NewMessages(s)
				f := m.Next()
				testPoll(t, f, what+", but first there's a pause", nil)
				Close(f)
				testPoll(t, m.Next(), what+", after a pause in which the Next was closed", fails)
			}
		}
	})
}

func TestLengthThatIsTooLong(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		for _, length := range []int{MaxBody + 1, 0x7FFF_FFFF, 0xFFFF_FFFF} {
			s := &testStream{script: []any{testBytes(length, "GET /")}}
			s.free = func(asked int) {
				if s.given >= 4 {
					t.Fatalf("the length is %d, and Poll reads on, up to %d bytes: ErrTooLong comes first", length, asked)
				}
			}
			testPoll(t, NewMessages(s).Next(), fmt.Sprintf("the length is %d, and MaxBody is %d", length, MaxBody), ErrTooLong)
		}
		body := testBody(r, 10)
		body = strings.Repeat(body, MaxBody/10+1)[:MaxBody]
		testPoll(t, NewMessages(&testStream{script: []any{testMessage(body)}}).Next(), "a body of MaxBody bytes has come", body)
	})
}

func TestBodyBelongsToTheCaller(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		m := NewMessages(&testStream{script: []any{testMessage("green tea"), testMessage("black tea"), testMessage("no")}})
		first, _ := m.Next().Poll(new(Context))
		m.Next().Poll(new(Context))
		if string(first.Body) != "green tea" {
			t.Fatalf("the first message was %q, and when the second one was read, the same slice became %q: two messages share an array", "green tea", first.Body)
		}
		for _, length := range []int{1, 9, 100, 4096, 1<<16 - 1, 1 << 16, 1<<16 + 1, MaxBody} {
			one, two, three := strings.Repeat("a", length), strings.Repeat("b", length), testMessage(strings.Repeat("c", length))
			m := NewMessages(&testStream{script: []any{testMessage(one), testMessage(two), three}})
			first, _ := m.Next().Poll(new(Context))
			second, _ := m.Next().Poll(new(Context))
			m.Next().Poll(new(Context))
			if string(first.Body) != one || string(second.Body) != two {
				t.Fatalf("three messages of %d bytes were read, one after the other: %s, then %s, then c. Now the first two slices are %s and %s: messages share an array, of this length at least", length, testShort(one), testShort(two), testShort(string(first.Body)), testShort(string(second.Body)))
			}
			if _ = append(first.Body, "XYZ"...); string(second.Body) != two {
				t.Fatalf("two messages of %d bytes were read, and the caller has appended XYZ to the first body. Now the second one is %s, and it was %s: they are in one array, and the first has room at its end", length, testShort(string(second.Body)), testShort(two))
			}
		}
		for _, length := range []int{0, 1, 4, 9} { // the second message is being read when the caller appends
			body, all := strings.Repeat("a", length), testMessage("black tea")
			for at := range len(all) {
				s := &testStream{script: []any{testMessage(body), all[:at], testPause{}, all[at:]}}
				if at == 0 {
					s.script = []any{testMessage(body), testPause{}, all}
				}
				m, what := NewMessages(s), fmt.Sprintf("a message of 4+%d bytes was read, and then %d of 4+9 bytes come", length, at)
				first, _ := m.Next().Poll(new(Context))
				f := m.Next()
				testPoll(t, f, what, nil)
				for n := range 8 {
					_ = append(first.Body, "XXXXXXXX"[:n+1]...)
				}
				testPoll(t, f, what+"; the caller has appended to the first body, and then the rest comes: is there room behind that body, and does the next message use it?", "black tea")
			}
		}
		clear(first.Body[:cap(first.Body)])
		testPoll(t, m.Next(), "the caller has cleared the body of the first message", "no")
	})
}
