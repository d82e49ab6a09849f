package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Turn must return when there is nothing to read, and when it has made its reads; does it read again and again?"

// A testKernel's reads give what its script says, one entry in each: a piece
// of text, an error, or "" for the end. After the last one they give EAGAIN.
type testKernel struct {
	script []any
	reads  int
}

func (k *testKernel) read(p []byte) (int, error) {
	k.reads++
	if len(k.script) == 0 {
		return -1, unix.EAGAIN
	}
	next := k.script[0]
	k.script = k.script[1:]
	if err, ok := next.(error); ok {
		return -1, err
	}
	n := copy(p, next.(string))
	if rest := next.(string)[n:]; rest != "" {
		k.script = append([]any{rest}, k.script...)
	}
	return n, nil
}

// testTold is what a Turn has returned, in short.
func testTold(data []byte, more bool, err error) string {
	return fmt.Sprintf("%q, %t, %v", data, more, err)
}

// testTurn makes one turn, and wants what it returns.
func testTurn(t testing.TB, s *Source, reads int, when, want, look string) {
	t.Helper()
	if got := testTold(s.Turn(reads)); got != want {
		t.Fatalf("%s Turn(%d) gave %s, want %s: %s", when, reads, got, want, look)
	}
}

func TestOneEventForTwoPieces(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKernel{script: []any{"ab", "cd"}}
		s := NewSource(k.read)
		s.Edge()
		data, more, err := s.Turn(10)
		if k.reads == 0 {
			t.Fatal("drain.go is not started: there was an event, and Turn has read nothing")
		}
		if got, want := testTold(data, more, err), `"abcd", false, <nil>`; got != want {
			t.Fatalf("of \"ab\", \"cd\" the first turn gave %s, want %s: there was one event for both, and there will be no second one for what is still there; only EAGAIN says that nothing is", got, want)
		}
	})
}

func TestNothingIsReadWithoutAnEvent(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKernel{script: []any{"ab"}}
		s := NewSource(k.read)
		testTurn(t, s, 10, "before any event", `"", false, <nil>`, "nobody has said that something is there")
		s.Edge()
		testTurn(t, s, 10, "after the event", `"ab", false, <nil>`, "what has come is read until EAGAIN")
		k.reads = 0
		testTurn(t, s, 10, "after EAGAIN, without another event,", `"", false, <nil>`, "nothing has come")
		if k.reads > 0 {
			t.Errorf("after EAGAIN, without another event, Turn has made %d reads, want none: the kernel will say when there is something", k.reads)
		}
	})
}

func TestEachEventCounts(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := new(testKernel)
		s := NewSource(k.read)
		for _, piece := range []string{"ab", "cd", "ef"} {
			k.script = []any{piece}
			s.Edge()
			testTurn(t, s, 10, "after the event for "+piece, fmt.Sprintf("%q, false, <nil>", piece), "each event is a reason to read, also after EAGAIN")
		}
	})
}

func TestManyPieces(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		long := strings.Repeat("0123456789", 2000)
		k := &testKernel{script: []any{"a", long, "b"}}
		s := NewSource(k.read)
		s.Edge()
		data, more, err := s.Turn(100_000)
		if want := "a" + long + "b"; string(data) != want || more || err != nil {
			t.Errorf("one event for 1, %d and 1 bytes, and Turn(100000) gave %d bytes, %t, %v, want all %d, false, <nil>, in the order of the reads", len(long), len(data), more, err, len(want))
		}
	})
}

func TestTurnThatIsUsedUp(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKernel{script: []any{"a", "b", "c"}}
		s := NewSource(k.read)
		s.Edge()
		testTurn(t, s, 2, "of a, b, c", `"ab", true, <nil>`, "two reads, and no EAGAIN yet: there is more, and no event will say so")
		testTurn(t, s, 2, "in the next turn, without another event,", `"c", false, <nil>`, "there is more, and no event will say so: the Source must remember that it has not seen EAGAIN")
		k.script = []any{"d", "e"}
		s.Edge()
		testTurn(t, s, 2, "of d, e", `"de", true, <nil>`, "whether that was all is known after EAGAIN only")
		testTurn(t, s, 2, "when nothing is left", `"", false, <nil>`, "EAGAIN says that nothing is left")
	})
}

func TestEventDuringTheTurns(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKernel{script: []any{"a", "b"}}
		s := NewSource(k.read)
		s.Edge()
		s.Edge()
		testTurn(t, s, 1, "after two events at once", `"a", true, <nil>`, "one read, and no EAGAIN yet")
		k.script = append(k.script, "c")
		s.Edge()
		testTurn(t, s, 10, "after an event between two turns", `"bc", false, <nil>`, "an event for a Source that is not drained changes nothing")
	})
}

func TestPeerThatSendsForEver(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := new(testKernel)
		for range 10000 {
			k.script = append(k.script, "x")
		}
		s := NewSource(k.read)
		s.Edge()
		_, more, err := s.Turn(4)
		if k.reads > 4 || !more || err != nil {
			t.Errorf("a peer sends faster than anybody reads, and Turn(4) has made %d reads and gave %t, %v, want at most 4, true, <nil>: the others want a turn too", k.reads, more, err)
		}
	})
}

func TestSignalDuringRead(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		for _, script := range [][]any{{unix.EINTR, "ab"}, {"a", unix.EINTR, unix.EINTR, "b"}, {"ab", unix.EINTR}} {
			k := &testKernel{script: script}
			s := NewSource(k.read)
			s.Edge()
			testTurn(t, s, 10, fmt.Sprintf("when a signal interrupted a read (the reads: %q)", script), `"ab", false, <nil>`, "EINTR says nothing about the descriptor, so ask again; only EAGAIN says that nothing is there")
		}
	})
}

func TestEnd(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		for _, c := range []struct {
			last any
			want error
		}{{"", io.EOF}, {unix.ECONNRESET, unix.ECONNRESET}} {
			k := &testKernel{script: []any{"ab", "c", c.last}}
			s := NewSource(k.read)
			s.Edge()
			testTurn(t, s, 10, fmt.Sprintf("of ab, c and then %q", c.last), fmt.Sprintf("%q, false, %v", "abc", c.want), "what came before the end is not lost, and the end is told in the same turn")
		}
	})
}
