package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed drain.go
var testSource string

const testWaits = "Turn must return when there's nothing to read, and when it has made its reads; does it sleep, or read again and again?"

// A testKernel's reads give what its script says, one entry in each: a piece
// of text, an error, or "" for the end. After the last one they give EAGAIN.
type testKernel struct {
	script []any
	reads  int
	empty  bool // a read into no room
	again  bool // the last read said EAGAIN
}

func (k *testKernel) read(p []byte) (int, error) {
	if k.reads++; k.reads > 2_000_000 {
		panic("after two million reads")
	}
	k.empty = k.empty || len(p) == 0
	if k.again = len(k.script) == 0; k.again {
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
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "drain.go", testSource)
		k := &testKernel{script: []any{"ab", "cd"}}
		s := NewSource(k.read)
		s.Edge()
		data, more, err := s.Turn(10)
		if got, want := testTold(data, more, err), `"abcd", false, <nil>`; got != want {
			t.Fatalf("of \"ab\", \"cd\" the first turn gave %s, want %s: there was one event for both, and there will be no second one for what is still there; only EAGAIN says that nothing is", got, want)
		}
	})
}

func TestNothingIsReadWithoutAnEvent(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		k := &testKernel{script: []any{"ab"}}
		s := NewSource(k.read)
		testTurn(t, s, 10, "before any event", `"", false, <nil>`, "nothing has said that something is there")
		if s.Edge(); k.reads > 0 {
			t.Fatalf("NewSource, a Turn before any event, or Edge has read, want none: only a Turn after an event reads (%d reads)", k.reads)
		}
		testTurn(t, s, 10, "after the event", `"ab", false, <nil>`, "what has come is read until EAGAIN")
		k.reads = 0
		testTurn(t, s, 10, "after EAGAIN, without another event,", `"", false, <nil>`, "nothing has come")
		if k.reads > 0 {
			t.Fatalf("after EAGAIN, without another event, Turn has made %d reads, want none: the kernel will say when there is something", k.reads)
		}
	})
}

func TestEachEventCounts(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
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
	check.Instant(t, testWaits, func(t testing.TB) {
		k0 := new(testKernel)
		for range 1000 {
			k0.script = append(k0.script, strings.Repeat("x", 50), unix.EINTR)
		}
		s0 := NewSource(k0.read)
		s0.Edge()
		if data, more, err := s0.Turn(100_000); len(data) != 50_000 || more || err != nil {
			t.Fatalf("one event for 1,000 pieces of 50 bytes, with a signal after each, and Turn(100000) gave %d bytes, %t, %v, want 50000, false, <nil>", len(data), more, err)
		}
		long := strings.Repeat("0123456789", 120_000)
		k := &testKernel{script: []any{"a", long, "b"}}
		s := NewSource(k.read)
		s.Edge()
		data, more, err := s.Turn(1_300_000) // which is enough for any buffer
		if want := "a" + long + "b"; string(data) != want || more || err != nil {
			t.Fatalf("one event for 1, %d and 1 bytes, and Turn(1300000) gave %d bytes, %t, %v, want all %d, false, <nil>, in the order of the reads (it has made %d)", len(long), len(data), more, err, len(want), k.reads)
		}
		if k.empty {
			t.Fatal("Turn has passed an empty buffer to read: the answer to that is 0, which looks like the end")
		}
	})
}

func TestTurnThatIsUsedUp(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
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
	check.Instant(t, testWaits, func(t testing.TB) {
		k := &testKernel{script: []any{"a", "b"}}
		s := NewSource(k.read)
		s.Edge()
		s.Edge()
		testTurn(t, s, 1, "after two events at once", `"a", true, <nil>`, "one read, and no EAGAIN yet")
		k.script = append(k.script, "c")
		s.Edge()
		testTurn(t, s, 10, "after an event between two turns", `"bc", false, <nil>`, "an event for a Source that is not drained changes nothing")
		k.reads = 0
		if testTurn(t, s, 10, "when it was drained", `"", false, <nil>`, "nothing has come"); k.reads > 0 {
			t.Fatalf("after two events at once, one more, and EAGAIN, without another event, a Turn has made %d reads, want none: events are not counted", k.reads)
		}
	})
}

// However many events come, they're one reason to read.
func TestManyEvents(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{2, 3, 63, 64, 65, 255, 256, 257, 65_535, 65_536, 65_537} {
			k := &testKernel{script: []any{"a", "b"}}
			s := NewSource(k.read)
			for range n {
				s.Edge()
			}
			testTurn(t, s, 1, fmt.Sprintf("after %d events at once", n), `"a", true, <nil>`, "so many events are as good as one")
			for range n {
				s.Edge()
			}
			testTurn(t, s, 10, fmt.Sprintf("when a Turn had left something, and %d more events came,", n), `"b", false, <nil>`, "an event for a Source that is not drained changes nothing, however many come")
			k.reads = 0
			if testTurn(t, s, 10, "when it was drained", `"", false, <nil>`, "nothing has come"); k.reads > 0 {
				t.Fatalf("after %d events, and as many more, and EAGAIN, a Turn has made %d reads, want none: events are not counted", n, k.reads)
			}
		}
		k := new(testKernel)
		s := NewSource(k.read)
		for i := range 1000 {
			k.script = append(k.script[:0], "c")
			s.Edge()
			if data, more, err := s.Turn(10); string(data) != "c" || more || err != nil {
				t.Fatalf("after event %d, each with a piece and a Turn of its own, Turn(10) gave %s, want %q, false, <nil>: each event is a reason to read", i+1, testTold(data, more, err), "c")
			}
		}
	})
}

// The limit is the caller's, whether it's one read, or none at all.
func TestLimits(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{1, 2, 63, 64, 65, 255, 256, 257, 1000, 4096} {
			for _, reads := range []int{n, n + 1, math.MaxInt} {
				k := new(testKernel)
				for range n {
					k.script = append(k.script, "x")
				}
				s := NewSource(k.read)
				s.Edge()
				data, more, err := s.Turn(reads)
				if len(data) != n || more != (reads == n) || err != nil || k.reads > reads {
					t.Fatalf("of %d pieces of one byte, Turn(%d) has made %d reads and gave %d bytes, %t, %v, want %d bytes, %t, <nil>: more says whether the reads were used up before EAGAIN", n, reads, k.reads, len(data), more, err, n, reads == n)
				}
			}
		}
	})
}

func TestPeerThatSendsForever(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		k := new(testKernel)
		for range 10000 {
			k.script = append(k.script, "x")
		}
		s := NewSource(k.read)
		s.Edge()
		for range 3 {
			k.reads = 0
			n := 1 + random.IntN(10)
			data, more, err := s.Turn(n)
			if k.reads > n || len(data) != n || !more || err != nil {
				t.Fatalf("a peer sends faster than anything reads, and Turn(%d) has made %d reads and gave %d bytes, %t, %v, want %d reads and bytes, true, <nil>: others want a turn, too", n, k.reads, len(data), more, err, n)
			}
		}
	})
}

func TestSignalDuringRead(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, script := range [][]any{{unix.EINTR, "ab"}, {"a", unix.EINTR, unix.EINTR, "b"}, {"ab", unix.EINTR}} {
			k := &testKernel{script: script}
			s := NewSource(k.read)
			s.Edge()
			testTurn(t, s, 10, fmt.Sprintf("when a signal interrupted a read (the reads: %q)", script), `"ab", false, <nil>`, "EINTR says nothing about the descriptor, so ask again; only EAGAIN says that nothing is there")
		}
	})
}

// Whether EINTR counts as a read is open, so there are two right answers.
func TestTurnOfSignals(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		k := &testKernel{script: []any{unix.EINTR, unix.EINTR, "ab"}}
		s := NewSource(k.read)
		s.Edge()
		data, more, err := s.Turn(2)
		if len(data) == 0 && !more && err == nil {
			t.Fatal("EINTR used up both reads of Turn(2), and it gave no data and false: there may be more, and no event will say so")
		}
		if len(data) == 0 {
			data, _, err = s.Turn(2)
		}
		if string(data) != "ab" || err != nil {
			t.Fatalf("after two signals, \"ab\" was there, and the turns gave %q, %v", data, err)
		}
	})
}

func TestEnd(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		type end struct {
			last any
			want error
		}
		ends := []end{{"", io.EOF}, {unix.ECONNRESET, unix.ECONNRESET}, {unix.ETIMEDOUT, unix.ETIMEDOUT}}
		for code := unix.Errno(1); code < 134; code++ {
			if unix.ErrnoName(code) != "" && code != unix.EAGAIN && code != unix.EINTR {
				ends = append(ends, end{code, code})
			}
		}
		for _, c := range ends {
			k := &testKernel{script: []any{"ab", "c", c.last}}
			s := NewSource(k.read)
			s.Edge()
			testTurn(t, s, 10, fmt.Sprintf("of ab, c and then %q", c.last), fmt.Sprintf("%q, false, %v", "abc", c.want), "what came before the end is not lost, and the end is told in the same turn")
		}
	})
}

func TestDataBelongsToTheCaller(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		k := &testKernel{script: []any{"first"}}
		s := NewSource(k.read)
		s.Edge()
		first, _, _ := s.Turn(10)
		was := bytes.Clone(first)
		k.script = []any{"XXXXX"}
		s.Edge()
		if s.Turn(10); !bytes.Equal(was, first) {
			t.Fatalf("a second Turn has changed what an earlier Turn returned, from %q to %q: the data belongs to the caller", was, first)
		}
		for _, more := range []string{"!", " with milk"} {
			k = &testKernel{script: []any{"tea"}}
			s = NewSource(k.read)
			s.Edge()
			data, _, _ := s.Turn(10)
			mine := append(data, more...)
			k.script = []any{"toast"}
			s.Edge()
			next, _, _ := s.Turn(10)
			if string(mine) != "tea"+more {
				t.Fatalf("a Turn returned \"tea\", the caller appended %q, and after another Turn it has %q: does the capacity of the data reach into the next Turn's?", more, mine)
			}
			if _ = append(data, more...); string(next) != "toast" {
				t.Fatalf("one Turn returned \"tea\" and the next one \"toast\", the caller appended %q to the first, and the second became %q: does the capacity of the data reach into the next Turn's?", more, next)
			}
		}
	})
}

// A caller may keep what many turns have returned, and append to all of it.
func TestDataIsKept(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		k := new(testKernel)
		s := NewSource(k.read)
		var kept [][]byte
		var want []string
		for turn := range 300 {
			piece := fmt.Sprintf("%d-%x", turn, random.Uint64())
			k.script = []any{piece}
			s.Edge()
			data, _, _ := s.Turn(1 + turn%2*9)
			kept, want = append(kept, append(data, '!')), append(want, piece+"!")
			for i, data := range kept {
				if string(data) != want[i] {
					t.Fatalf("turn %d returned %q, the caller appended an exclamation mark, and after turn %d it has %q: the data belongs to the caller for as long as it likes, so no later turn may use that memory", i+1, want[i][:len(want[i])-1], turn+1, data)
				}
			}
			s.Turn(10)
		}
	})
}

// Any script, any events, any limits, compared with what must come of them.
func TestAnything(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		for range 200 {
			k := new(testKernel)
			s, want, got, pending := NewSource(k.read), "", "", false
			var did []string
			for range 12 {
				switch random.IntN(3) {
				case 0: // something comes, and the kernel says so once
					piece := fmt.Sprint(random.IntN(100), " ")
					k.script, want, pending = append(k.script, piece), want+piece, true
					did = append(did, fmt.Sprintf("%q came", piece))
					s.Edge()
				default:
					n := 1 + random.IntN(3)
					k.reads = 0
					data, more, err := s.Turn(n)
					got += string(data)
					did = append(did, fmt.Sprintf("Turn(%d)", n))
					if k.reads > n || k.reads > 0 && !pending {
						t.Fatalf("%s: the last turn has made %d reads", strings.Join(did, ", "), k.reads)
					}
					pending = pending && !k.again
					if more != pending || err != nil {
						t.Fatalf("%s: the last turn gave %q, %t, %v, want %t: more says whether EAGAIN is still to be seen", strings.Join(did, ", "), data, more, err, pending)
					}
				}
			}
			for more := pending; more; {
				var data []byte
				data, more, _ = s.Turn(5)
				got += string(data)
			}
			if got != want {
				t.Fatalf("%s: the turns gave %q in all, want %q", strings.Join(did, ", "), got, want)
			}
		}
	})
}
