package main

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed write.go
var testSource string

const testWaits = "Poll must return at EAGAIN; does it sleep, or ask again and again without returning?"

// testNow is the Context of the last poll. The chapter's Context is empty, so
// all of them could have the same address; this one is part of something bigger.
var testNow *Context

func testContext() *Context {
	testNow = &new(struct {
		cx Context
		_  int
	}).cx
	return testNow
}

// A testPeer takes what its script says, in this order: so many bytes, or an
// error. Without a script it takes everything.
type testPeer struct {
	script  []any
	got     strings.Builder
	calls   []string
	asked   int   // to be woken
	refuses error // of WakeWhenWritable
	lost    bool  // asked without a Context
}

func (p *testPeer) Write(b []byte) (int, error) {
	if len(p.calls) > 100_000 {
		panic("after 100,000 calls of Write")
	}
	answer, text := any(len(b)), string(b[:min(len(b), 20)])
	if len(b) > len(text) {
		text = fmt.Sprintf("%s... (%d bytes)", text, len(b))
	}
	if len(p.script) > 0 {
		answer, p.script = p.script[0], p.script[1:]
	}
	if err, ok := answer.(error); ok {
		p.calls = append(p.calls, fmt.Sprintf("%s: %s", text, unix.ErrnoName(err.(unix.Errno))))
		return -1, err
	}
	n := min(answer.(int), len(b))
	p.got.Write(b[:n])
	p.calls = append(p.calls, fmt.Sprintf("%s: %d", text, n))
	return n, nil
}

func (p *testPeer) WakeWhenWritable(cx *Context) error {
	p.asked++
	p.lost = p.lost || cx != testNow
	return p.refuses
}

// wrote tells what was tried to write, and what came of it: the last few calls.
func (p *testPeer) wrote() string {
	if n := len(p.calls); n > 12 {
		return fmt.Sprintf("%d before, and then %s", n-6, strings.Join(p.calls[n-6:], ", "))
	}
	return strings.Join(p.calls, ", ")
}

// pauses counts the EAGAINs of a script.
func (p *testPeer) pauses() (n int) {
	for _, answer := range p.script {
		if answer == unix.EAGAIN {
			n++
		}
	}
	return n
}

// testAll writes text: one poll for each EAGAIN in the script, and one more.
func testAll(t testing.TB, text string, p *testPeer) Written {
	t.Helper()
	bytes := []byte(text)
	w, pauses := WriteAll(p, bytes), p.pauses()
	if len(p.calls)+p.asked > 0 {
		t.Fatal("WriteAll has written, or asked to be woken, before the first poll: a future is lazy")
	}
	for poll := 1; poll <= pauses+1; poll++ {
		before := len(p.calls)
		written, ready := w.Poll(testContext())
		switch {
		case string(bytes) != text:
			t.Fatalf("Poll has changed the bytes that it was given, from %q to %q: they belong to the caller", text, bytes)
		case p.lost:
			t.Fatal("WakeWhenWritable was called without the Context that Poll got")
		case ready:
			return written
		case written != Written{}:
			t.Fatalf("a pending Poll gave %+v beside false, want the zero value (calls: %s)", written, p.wrote())
		case len(p.calls) == before:
			t.Fatalf("poll %d gave false and wrote nothing, and there's something left to write (calls: %s)", poll, p.wrote())
		case poll > pauses && p.got.String() == text:
			t.Fatalf("all bytes were taken, and Poll gave false: it's ready in the Poll in which the last byte was taken (calls: %s)", p.wrote())
		case p.asked != poll:
			t.Fatalf("after poll %d gave false, Poll had asked to be woken %d times, want %d: after each EAGAIN once. If nothing said EAGAIN, the same Poll goes on (calls: %s)", poll, p.asked, poll, p.wrote())
		}
	}
	t.Fatalf("poll %d gave false: the peer said EAGAIN %d times, got %d of %d bytes, and would take more; the same Poll goes on (calls: %s)", pauses+1, pauses, p.got.Len(), len(text), p.wrote())
	return Written{}
}

func TestWriteThatIsTakenWhole(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "write.go", testSource)
		p, text := new(testPeer), fmt.Sprint("tea for ", random.IntN(1000))
		if written := testAll(t, text, p); p.got.String() != text || written != (Written{N: len(text)}) {
			t.Fatalf("the peer got %q, and WriteAll yields %+v, want %q and {N:%d Err:<nil>}", p.got.String(), written, text, len(text))
		}
		if p.asked != 0 {
			t.Fatalf("the peer took everything at once, and Poll asked to be woken %d times, want 0", p.asked)
		}
	})
}

func TestPartialWrites(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		scripts := [][]any{
			{2}, {2, 1}, {1, 1, 1, 1, 1}, {5},
			{2, unix.EAGAIN}, {unix.EAGAIN, 2, unix.EAGAIN, unix.EAGAIN, 3},
			{2, unix.EINTR}, {unix.EINTR, unix.EINTR, 2, unix.EAGAIN, unix.EINTR, 1},
		}
		for range 20 {
			var script []any
			for range random.IntN(6) {
				script = append(script, []any{1, 2, unix.EAGAIN, unix.EINTR}[random.IntN(4)])
			}
			scripts = append(scripts, script)
		}
		for _, script := range scripts {
			p := &testPeer{script: script}
			text := fmt.Sprint("abcdefgh", random.IntN(1000)) // longer than the scripts take
			written := testAll(t, text, p)
			if p.got.String() != text {
				t.Fatalf("of %q the peer got %q: each write goes on where the one before ended, and n says where (calls: %s)", text, p.got.String(), p.wrote())
			}
			if written != (Written{N: len(text)}) {
				t.Fatalf("the peer got all %d bytes, and WriteAll yields %+v, want {N:%d Err:<nil>} (calls: %s)", len(text), written, len(text), p.wrote())
			}
		}
	})
}

// testText is n bytes, and no long part of it comes twice.
func testText(n int) string { return testLongText[:n] }

var testLongText = func() string {
	var text []byte
	for i := 0; len(text) < 400_000; i++ {
		text = append(strconv.AppendInt(text, int64(i), 10), ' ')
	}
	return string(text)
}()

func TestManyParts(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p, text := new(testPeer), testText(70_000)
		for range 2000 {
			p.script = append(p.script, 1, unix.EINTR)
		}
		if written := testAll(t, text, p); p.got.String() != text || written != (Written{N: len(text)}) {
			t.Fatalf("the peer took 70,000 bytes, the first 2,000 of them one at a time, with a signal after each: WriteAll yields %+v, want {N:70000 Err:<nil>}", written)
		}
		p = new(testPeer)
		for range 10_000 {
			p.script = append(p.script, unix.EINTR)
		}
		if written := testAll(t, "tea", p); p.got.String() != "tea" || written != (Written{N: 3}) {
			t.Fatalf("after ten thousand signals the peer took everything, and WriteAll yields %+v, want {N:3 Err:<nil>}: a signal says nothing about the peer", written)
		}
	})
}

// Polls aren't time, so a peer may take nothing for as many as it likes.
func TestPeerThatTakesItsTime(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		p, pauses := &testPeer{script: []any{1}}, 70_000+random.IntN(100)
		for range pauses {
			p.script = append(p.script, unix.EAGAIN)
		}
		if written := testAll(t, "tea", p); p.got.String() != "tea" || written != (Written{N: 3}) {
			t.Fatalf("the peer took one byte, said EAGAIN in up to %d polls, and would take more then: WriteAll yields %+v, want {N:3 Err:<nil>}: \"not now\" isn't an error, however often", pauses, written)
		}
	})
}

func TestAnyLength(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		lengths := []int{1, 2, 100, 1000, 1 + random.IntN(20_000)}
		for n := 4; n <= 1<<17; n *= 2 {
			lengths = append(lengths, n-1, n, n+1, 3*n)
		}
		for _, n := range lengths {
			p, text := &testPeer{script: []any{unix.EAGAIN, n / 2, unix.EAGAIN}}, testText(n)
			if n == 1 {
				p.script = p.script[:1]
			}
			if written := testAll(t, text, p); p.got.String() != text || written != (Written{N: n}) {
				t.Fatalf("the peer took %d of %d bytes, and WriteAll yields %+v, want {N:%d Err:<nil>}", p.got.Len(), n, written, n)
			}
		}
	})
}

func TestPollReturnsAtEAGAIN(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p := &testPeer{script: []any{unix.EAGAIN, 6}}
		written, ready := WriteAll(p, []byte("abcdef")).Poll(testContext())
		if ready || len(p.calls) != 1 {
			t.Fatalf("the peer said EAGAIN, and Poll gave %+v, %t after %d calls of Write, want false after one (calls: %s)", written, ready, len(p.calls), p.wrote())
		}
		if p.asked != 1 {
			t.Fatalf("the peer said EAGAIN, and Poll asked to be woken %d times, want once: otherwise nothing causes the next poll", p.asked)
		}
	})
}

func TestWakeThatFails(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p := &testPeer{script: []any{2, unix.EAGAIN}, refuses: errors.New("the reactor is full")}
		written, ready := WriteAll(p, []byte("abcdef")).Poll(testContext())
		if !ready || written.N != 2 || !errors.Is(written.Err, p.refuses) {
			t.Fatalf("the peer took 2 bytes and said EAGAIN, and WakeWhenWritable failed: Poll gave %+v, %t, want {N:2 Err:%v}, true", written, ready, p.refuses)
		}
	})
}

func TestEINTRIsRepeatedAtOnce(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p := &testPeer{script: []any{unix.EINTR, unix.EINTR, 6}}
		if written, ready := WriteAll(p, []byte("abcdef")).Poll(testContext()); !ready || written != (Written{N: 6}) || p.asked > 0 {
			t.Fatalf("after EINTR twice the peer would have taken all, and Poll gave %+v, %t and asked to be woken %d times, want {N:6 Err:<nil>}, true, 0: there's nothing to wait for, so the call is repeated in the same Poll (calls: %s)", written, ready, p.asked, p.wrote())
		}
	})
}

func TestErrorAfterAPart(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		ends := []unix.Errno{unix.EPIPE, unix.ECONNRESET}
		for code := unix.Errno(1); code < 134; code++ {
			if unix.ErrnoName(code) != "" && code != unix.EAGAIN && code != unix.EINTR {
				ends = append(ends, code)
			}
		}
		for _, end := range ends {
			p := &testPeer{script: []any{2, unix.EAGAIN, 1, end}}
			if written := testAll(t, "abcdef", p); written.N != 3 || !errors.Is(written.Err, end) {
				t.Fatalf("the peer took 3 bytes and failed, and WriteAll yields %+v, want {N:3 Err:%v} (calls: %s)", written, end, p.wrote())
			}
			if last := len(p.calls) - 1; last != 3 {
				t.Fatalf("the peer failed, and Write was called %d times after that, want 0 (calls: %s)", last-3, p.wrote())
			}
		}
	})
}

func TestNothingToWrite(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, nothing := range [][]byte{nil, {}, make([]byte, 0, 10)} {
			p := new(testPeer)
			if written, ready := WriteAll(p, nothing).Poll(testContext()); !ready || written != (Written{}) || len(p.calls) > 0 {
				t.Fatalf("there was nothing to write, and the first Poll gave %+v, %t after %d calls of Write, want {N:0 Err:<nil>}, true after none", written, ready, len(p.calls))
			}
		}
	})
}
