package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testWaits = "Poll must return when there's nothing to read, also in the middle of a line; does it sleep, or read again and again?"

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

// A testPeer sends its script: a text that comes in one piece, or an error. Then
// it has finished. What one Read can't take, the next one gets.
type testPeer struct {
	script []any
	reads  int
	asked  int
	lost   bool
	wake   error
	pauses int // reads that said EAGAIN
}

func (p *testPeer) Read(b []byte) (int, error) {
	if p.reads++; p.reads > 500_000 {
		panic("after 500,000 calls of Read")
	}
	if len(p.script) == 0 || len(b) == 0 {
		return 0, nil
	}
	switch next := p.script[0].(type) {
	case error:
		p.script = p.script[1:]
		if next == unix.EAGAIN {
			p.pauses++
		}
		return -1, next
	case string:
		n := copy(b, next)
		if p.script[0] = next[n:]; n == len(next) {
			p.script = p.script[1:]
		}
		return n, nil
	}
	panic("a script has strings and errors")
}

func (p *testPeer) WakeWhenReadable(cx *Context) error {
	p.asked++
	p.lost = p.lost || cx != testNow
	return p.wake
}

// testParts is a script of these parts, with a pause after each.
func testParts(parts ...string) (script []any) {
	for _, part := range parts {
		script = append(script, part, unix.EAGAIN)
	}
	return script
}

// testLine polls a new ReadLine until it's ready.
func testLine(t testing.TB, r *Reader, p *testPeer) Line {
	t.Helper()
	l, early := r.ReadLine(), ""
	for range len(p.script) + 2 {
		asked, pauses := p.asked, p.pauses
		line, ready := l.Poll(testContext())
		switch {
		case ready:
			return line
		case line != Line{}:
			t.Fatalf("a pending Poll gave %+v beside false, want the zero value", line)
		case p.lost:
			t.Fatal("WakeWhenReadable was called without the Context that Poll got")
		case p.asked != asked+1:
			t.Fatalf("Poll gave false, and asked to be woken %d times, want once: otherwise nothing causes the next poll", p.asked-asked)
		case p.pauses == pauses:
			early = ": it has returned false in polls in which no read had said EAGAIN, and only EAGAIN says that nothing more is there"
		}
	}
	t.Fatalf("ReadLine is still pending after as many polls as there were pauses, and more (%d reads)%s", p.reads, early)
	return Line{}
}

// testLines wants these lines, and then the end.
func testLines(t testing.TB, what string, p *testPeer, want ...string) {
	t.Helper()
	r, parts := NewReader(p), testShort(p.script)
	var kept []string
	for i, w := range want {
		line := testLine(t, r, p)
		if line.Err != nil || line.Text != w {
			t.Fatalf("%s: line %d is %s, error %v, want %s. It came in the parts %s", what, i+1, testQuote(line.Text), line.Err, testQuote(w), parts)
		}
		kept = append(kept, line.Text)
	}
	for range 2 {
		if got := testLine(t, r, p); got.Err != io.EOF || got.Text != "" {
			t.Fatalf("%s: after the last line ReadLine gave %s, error %v, want the error io.EOF. It came in the parts %s", what, testQuote(got.Text), got.Err, parts)
		}
	}
	for i, w := range want {
		if kept[i] != w {
			t.Fatalf("%s: line %d was %s, the caller has kept it, and now it's %s: a line that was yielded is the caller's, so it needs memory of its own. It came in the parts %s", what, i+1, testQuote(w), testQuote(kept[i]), parts)
		}
	}
}

func testQuote(text string) string {
	if len(text) > 40 {
		return fmt.Sprintf("%q and so on, of %d bytes", text[:20], len(text))
	}
	return fmt.Sprintf("%q", text)
}

func testShort(script []any) string {
	var all []string
	for _, part := range script {
		if text, ok := part.(string); ok && len(all) < 8 {
			all = append(all, testQuote(text))
		}
	}
	return strings.Join(all, ", ")
}

func TestLineInTwoParts(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		testLines(t, "a line in one part", &testPeer{script: testParts("hello\n")}, "hello")
		testLines(t, "lines with spaces and a \\r", &testPeer{script: testParts(" a \n", "b\r\n\xff\x00\n")}, " a ", "b\r", "\xff\x00")
		testLines(t, "a line in two parts", &testPeer{script: testParts("hel", "lo\n")}, "hello")
		text := fmt.Sprint("name ", random.IntN(1000000))
		for cut := 1; cut <= len(text); cut++ {
			testLines(t, "a line in two parts", &testPeer{script: testParts(text[:cut], text[cut:]+"\n")}, text)
		}
		testLines(t, "a line, byte by byte", &testPeer{script: testParts(strings.Split(text+"\n", "")...)}, text)
		for range 20 { // anything
			var lines, parts []string
			for range 1 + random.IntN(4) {
				lines = append(lines, strings.Repeat("abc", random.IntN(12))+fmt.Sprint(random.IntN(1000)))
			}
			for all := strings.Join(lines, "\n") + "\n"; all != ""; {
				n := min(len(all), 1+random.IntN(25))
				parts, all = append(parts, all[:n]), all[n:]
			}
			testLines(t, "some lines in some parts", &testPeer{script: testParts(parts...)}, lines...)
		}
	})
}

func TestSeveralLinesInOnePart(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		testLines(t, "several lines in one part", &testPeer{script: testParts("a\nb\n\nc\n")}, "a", "b", "", "c")
		p := &testPeer{script: testParts("a\nb\nc")}
		r := NewReader(p)
		testLine(t, r, p)
		reads := p.reads
		all := len(p.script) == 1 // the first part has been read, whole
		if line, ready := r.ReadLine().Poll(testContext()); !ready || line.Text != "b" || all && p.reads != reads {
			t.Fatalf("a read brought \"a\\nb\\nc\", and the second ReadLine gave %q, %t after %d more reads, want \"b\", true without another read", line.Text, ready, p.reads-reads)
		}
		for n := 3; n <= 64; n++ { // also a part that fills the buffer, up to its last byte
			p := &testPeer{script: []any{"a\n" + testText(n-2), unix.ECONNRESET}}
			line, ready := NewReader(p).ReadLine().Poll(testContext())
			if !ready || line != (Line{Text: "a"}) || len(p.script) == 0 {
				t.Fatalf("\"a\\n\" and %d more bytes came, and the read after them would fail with ECONNRESET: the first ReadLine gave %+v, %t after %d reads, want a, true without another read once the \"\\n\" has come, also if a read has filled the buffer", n-2, line, ready, p.reads)
			}
		}
	})
}

// testText is n bytes, and no long part of it comes twice.
func testText(n int) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		fmt.Fprint(&text, i, " ")
	}
	return text.String()[:n]
}

func TestLongLines(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{15, 16, 17, 100, 5000 + random.IntN(5000), 70_000} {
			text := testText(n)
			testLines(t, fmt.Sprintf("a line of %d bytes", n), &testPeer{script: testParts(text + "\n")}, text)
			testLines(t, fmt.Sprintf("a line of %d bytes, and another", n), &testPeer{script: testParts(text[:n/2], text[n/2:]+"\nnext\n")}, text, "next")
		}
	})
}

func TestPauseInALine(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p := &testPeer{script: testParts("he", "llo\n")}
		l := NewReader(p).ReadLine()
		line, ready := l.Poll(testContext())
		switch {
		case len(p.script) != 2:
			t.Fatalf("\"he\" has come, then EAGAIN, and Poll has made %d calls of Read, and %d parts are left, want 2: at EAGAIN it returns, and not before", p.reads, len(p.script))
		case ready:
			t.Fatalf("\"he\" has come, then EAGAIN, and Poll gave %q, true, want false: the line isn't over", line.Text)
		case p.asked != 1:
			t.Fatalf("Poll gave false in the middle of a line, and asked to be woken %d times, want once", p.asked)
		}
		if line, ready = l.Poll(testContext()); !ready || line.Text != "hello" {
			t.Fatalf("\"he\" came, then a pause, then \"llo\\n\", and Poll gave %q, %t, want \"hello\", true: what came before the pause isn't lost", line.Text, ready)
		}
	})
}

// Polls aren't time, so a pause may last for as many as it likes.
func TestLongPauseInALine(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		p, pauses := &testPeer{script: []any{"he"}}, 70_000+random.IntN(100)
		for range pauses {
			p.script = append(p.script, unix.EAGAIN)
		}
		p.script = append(p.script, "llo\n")
		if line := testLine(t, NewReader(p), p); line != (Line{Text: "hello"}) {
			t.Fatalf("\"he\" came, then EAGAIN in up to %d polls, then \"llo\\n\", and ReadLine gave %+v, want hello: \"not now\" is neither the end nor an error, however often", pauses, line)
		}
	})
}

func TestAbandonedReadLine(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for closes, how := range []string{"and is never polled again", "and closed, as rule 5 says", "and closed twice"} {
			leave := func(l Future[Line]) {
				for range closes {
					Close(l)
				}
			}
			p := &testPeer{script: testParts("he", "l", "lo\n")}
			r := NewReader(p)
			for range 2 {
				l := r.ReadLine()
				l.Poll(testContext())
				leave(l)
			}
			if line, ready := r.ReadLine().Poll(testContext()); !ready || line.Text != "hello" {
				t.Fatalf("\"he\" came, the future was abandoned (%s), then came \"l\", the next one was abandoned as well, then came \"lo\\n\", and the next ReadLine gave %q, %t, want \"hello\", true: what has come belongs to the Reader, and not to the future", how, line.Text, ready)
			}
			p = &testPeer{script: testParts("a\nb\nc", "d\n")}
			r = NewReader(p)
			testLine(t, r, p)
			leave(r.ReadLine()) // before its first poll
			if line := testLine(t, r, p); line.Text != "b" {
				t.Fatalf("\"a\\nb\\nc\" came, a was yielded, a ReadLine was abandoned before its first poll (%s), and the next ReadLine gave %q, want \"b\"", how, line.Text)
			}
			early, late := r.ReadLine(), r.ReadLine() // two at the same time, and one is abandoned
			early.Poll(testContext())
			leave(early)
			leave(late)
			if line := testLine(t, r, p); line.Text != "cd" {
				t.Fatalf("\"c\" came, two futures were abandoned (%s), then came \"d\\n\", and the next ReadLine gave %q, want \"cd\"", how, line.Text)
			}
		}
	})
}

func TestShortReadIsNotTheEnd(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p := &testPeer{script: []any{"he", "llo\n", unix.EAGAIN}}
		if got := testLine(t, NewReader(p), p); got.Text != "hello" {
			t.Fatalf("two reads gave \"he\" and \"llo\\n\", and the line is %q, want \"hello\": a short read isn't the end", got.Text)
		}
	})
}

func TestEnd(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		testLines(t, "nothing", new(testPeer))
		testLines(t, "a last line without a newline", &testPeer{script: testParts("a\nb", "c")}, "a", "bc")
		testLines(t, "a last line of one byte", &testPeer{script: testParts("a\nb")}, "a", "b")
		for b := range 256 {
			if b != '\n' {
				last := string([]byte{byte(b)})
				testLines(t, "a last line of one byte, which may be any", &testPeer{script: testParts("a\n" + last)}, "a", last)
				testLines(t, "a last line of three times the same byte", &testPeer{script: testParts("a\n", last, last+last)}, "a", last+last+last)
			}
		}
		testLines(t, "the end after a newline", &testPeer{script: testParts("a\n")}, "a")
	})
}

func TestErrors(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		p := &testPeer{script: []any{unix.EAGAIN}, wake: errors.New("the reactor is full")}
		if line, ready := NewReader(p).ReadLine().Poll(testContext()); !ready || !errors.Is(line.Err, p.wake) {
			t.Fatalf("WakeWhenReadable failed, and Poll gave %+v, %t, want its error, true: nothing will cause another poll", line, ready)
		}
		p = &testPeer{script: []any{"he", unix.EAGAIN, "llo\n"}, wake: errors.New("the reactor is full")}
		r := NewReader(p)
		r.ReadLine().Poll(testContext())
		p.wake = nil
		if line, ready := r.ReadLine().Poll(testContext()); !ready || line != (Line{Text: "hello"}) {
			t.Fatalf("\"he\" came, then WakeWhenReadable failed, then \"llo\\n\" came, and another ReadLine gave %+v, %t, want hello, true: what has come isn't lost", line, ready)
		}
		p = &testPeer{script: []any{"he"}}
		for range 70_000 {
			p.script = append(p.script, unix.EINTR)
		}
		p.script = append(p.script, "llo\n")
		if line, ready := NewReader(p).ReadLine().Poll(testContext()); !ready || line != (Line{Text: "hello"}) {
			t.Fatalf("EINTR came 70,000 times in the middle of a line, and Poll gave %+v, %t, want hello, true: the read is repeated at once", line, ready)
		}
		errs := []error{unix.ECONNRESET}
		for code := unix.Errno(1); code < 134; code++ {
			if unix.ErrnoName(code) != "" && code != unix.EAGAIN && code != unix.EINTR {
				errs = append(errs, code)
			}
		}
		for _, err := range errs {
			p = &testPeer{script: []any{"he", err}}
			line, ready := NewReader(p).ReadLine().Poll(testContext())
			if !ready || !errors.Is(line.Err, err) || slices.Contains([]string{"he"}, line.Text) {
				t.Fatalf("the read failed with %v in the middle of a line, and Poll gave %+v, %t, want that error and no text, true", err, line, ready)
			}
		}
	})
}
