package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testWaits = "Poll must return when neither side can go on; does it sleep, or ask again and again?"

// A testWorld is a source and a sink, and the events of both. It counts.
type testWorld struct {
	t        testing.TB
	pieces   [][]byte // that haven't come yet: one at a time
	there    []byte
	want     []byte
	got      []byte
	step     int    // bytes that the sink takes after an event; 0 is all
	room     int    // bytes that it takes now
	readEnd  error  // instead of the end
	writeEnd error  // when it has got 1,000 bytes
	wakeEnd  error  // of both wakes
	open     bool   // the source says no more, and doesn't end
	bite     int    // bytes that one Write takes; 0 is all
	ended    bool   // Read has said that it's the end
	failed   string // what has gone wrong, if anything was to

	calls, polls, most         int
	reads, writes, wakes       int
	asksReadable, asksWritable bool
}

func testWorldOf(t testing.TB, random *rand.Rand, pieces, size, step int) *testWorld {
	w := &testWorld{t: t, step: step, room: step}
	for range pieces {
		piece := make([]byte, size)
		for i := range piece {
			piece[i] = byte(random.IntN(256))
		}
		w.pieces, w.want = append(w.pieces, piece), append(w.want, piece...)
	}
	return w
}

func (w *testWorld) call(kind *int) {
	*kind++
	if w.calls++; w.calls > 100_000 {
		panic("after 100,000 calls")
	}
}

func (w *testWorld) Read(p []byte) (int, error) {
	w.call(&w.reads)
	switch {
	case len(w.there) > 0:
		n := copy(p, w.there)
		w.there = w.there[n:]
		w.most = max(w.most, len(w.want)-w.unread()-len(w.got))
		return n, nil
	case len(w.pieces) > 0 || w.open:
		return -1, unix.EAGAIN
	case w.readEnd != nil:
		return -1, w.readEnd
	}
	w.ended = true
	return 0, nil
}

func (w *testWorld) unread() int {
	n := len(w.there)
	for _, p := range w.pieces {
		n += len(p)
	}
	return n
}

func (w *testWorld) Write(p []byte) (int, error) {
	w.call(&w.writes)
	if w.writeEnd != nil && len(w.got) >= 1000 {
		return -1, w.writeEnd
	}
	n := len(p)
	if w.bite > 0 {
		n = min(n, w.bite)
	}
	if w.step > 0 {
		n = min(n, w.room)
		w.room -= n
	}
	if n == 0 {
		return -1, unix.EAGAIN
	}
	w.got = append(w.got, p[:n]...)
	return n, nil
}

func (w *testWorld) WakeWhenReadable() error {
	w.call(&w.wakes)
	w.asksReadable = true
	return w.wakeEnd
}

func (w *testWorld) WakeWhenWritable() error {
	w.call(&w.wakes)
	w.asksWritable = true
	return w.wakeEnd
}

// readable and writable are what the kernel would say now.
func (w *testWorld) readable() bool { return len(w.there) > 0 || len(w.pieces) == 0 && !w.open }
func (w *testWorld) writable() bool { return w.step == 0 || w.room > 0 }

// event waits for an event that was asked for. While there is none, time goes on:
// a piece comes, and the sink gets room.
func (w *testWorld) event() {
	w.t.Helper()
	if !w.asksReadable && !w.asksWritable {
		w.t.Fatalf("poll %d gave false, and Poll has asked for no event: nothing will cause another poll%s", w.polls, w.told())
	}
	if w.polls%10 == 0 { // time goes on for a relay that's never idle, too
		w.tick()
	}
	for range 2 {
		read, write := w.asksReadable && w.readable(), w.asksWritable && w.writable()
		if read || write {
			w.asksReadable, w.asksWritable = w.asksReadable && !read, w.asksWritable && !write
			return
		}
		w.tick()
	}
	w.t.Fatalf("poll %d gave false, and no event that Poll has asked for will come%s", w.polls, w.told())
}

func (w *testWorld) tick() {
	if len(w.pieces) > 0 {
		w.there, w.pieces = append(w.there, w.pieces[0]...), w.pieces[1:]
	}
	w.room = w.step
}

func (w *testWorld) told() string {
	return fmt.Sprintf(" (%d polls, %d reads, %d writes, %d wakes asked for; the sink got %d of %d bytes%s)", w.polls, w.reads, w.writes, w.wakes, len(w.got), len(w.want), w.failed)
}

// run polls until the relay is ready.
func (w *testWorld) run() Relayed {
	w.t.Helper()
	for r := NewRelay(w, w); ; w.event() {
		if w.polls++; w.polls > 20_000 {
			w.t.Fatalf("still pending after %d polls%s", w.polls-1, w.told())
		}
		relayed, ready := r.Poll()
		if ready {
			return relayed
		}
		if relayed != (Relayed{}) {
			w.t.Fatalf("a pending Poll gave %+v beside false, want the zero value", relayed)
		}
		if w.ended && len(w.got) == len(w.want) {
			w.t.Fatalf("a read has given 0 bytes, the end, the sink has got everything, and Poll gave false, want true: there's nothing left to wait for%s", w.told())
		}
	}
}

// relay runs to the end, and wants everything to have gone through.
func (w *testWorld) relay(what string) {
	w.t.Helper()
	relayed := w.run()
	if !bytes.Equal(w.got, w.want) {
		i := 0
		for i < min(len(w.got), len(w.want)) && w.got[i] == w.want[i] {
			i++
		}
		w.t.Fatalf("%s: the sink got %d bytes, of which the first %d are right, want all %d in order; Poll gave %+v", what, len(w.got), i, len(w.want), relayed)
	}
	if relayed != (Relayed{N: len(w.want)}) {
		w.t.Fatalf("%s: Poll gave %+v, want {N:%d Err:<nil>}", what, relayed, len(w.want))
	}
}

func (w *testWorld) budget(what string, calls, polls int) {
	w.t.Helper()
	if w.relay(what); w.calls > calls {
		w.t.Fatalf("%s took %d calls, and the budget is %d%s: which of them told the relay nothing?", what, w.calls, calls, w.told())
	}
	if w.polls > polls {
		w.t.Fatalf("%s took %d polls, and the budget is %d%s: which of them found nothing to do, and what had asked for it?", what, w.polls, polls, w.told())
	}
}

func TestBudgetOfAFastSink(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		testWorldOf(t, random, 16, 4<<10, 0).budget("64 KiB in 16 pieces, to a fast sink,", 70, 18)
	})
}

func TestBudgetOfASlowSink(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		testWorldOf(t, random, 1, 64<<10, 1<<10).budget("64 KiB at once, to a sink that takes 1 KiB after each event,", 210, 66)
	})
}

func TestEveryByte(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		testWorldOf(t, random, 0, 0, 0).relay("nothing at all")
		for size := 1; size <= 5; size++ {
			testWorldOf(t, random, 3, size, size/2).relay(fmt.Sprintf("3 pieces of %d bytes, to a sink that takes %d after each event (0 is all)", size, size/2))
		}
		testWorldOf(t, random, 2, 100, 7).relay("2 pieces of 100 bytes, to a sink that takes 7 after each event")
		for range 20 {
			pieces, size, step := 1+random.IntN(5), 1+random.IntN(20_000), random.IntN(3)*(1+random.IntN(3000))
			if step > 0 {
				step += size / 100
			}
			testWorldOf(t, random, pieces, size, step).relay(fmt.Sprintf("%d pieces of %d bytes, to a sink that takes %d after each event (0 is all)", pieces, size, step))
		}
	})
}

func TestAsksForWhatItWaitsFor(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		w := testWorldOf(t, random, 1, 100, 7)
		w.open = true
		w.tick()
		r := NewRelay(w, w)
		for range 3 {
			if got, ready := r.Poll(); ready {
				t.Fatalf("the sink took %d of 100 bytes, and Poll gave %+v, true, want false", len(w.got), got)
			}
		}
		if !w.asksWritable {
			t.Fatalf("the sink took %d of 100 bytes, and Poll has not asked to be woken when it's writable: nothing else will cause another poll", len(w.got))
		}
		w.step, w.asksReadable, w.asksWritable = 0, false, false
		for range 3 {
			if got, ready := r.Poll(); ready {
				t.Fatalf("the source is silent, and hasn't ended, and Poll gave %+v, true, want false", got)
			}
		}
		if !w.asksReadable {
			t.Fatal("the source is silent, and hasn't ended, and Poll has not asked to be woken when it's readable: nothing else will cause another poll")
		}
	})
}

// A sink that takes one byte in each write, and never says EAGAIN.
func TestManySmallWrites(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		w := testWorldOf(t, random, 1, 3000, 0)
		w.t, w.open, w.bite = t, true, 1
		w.tick()
		r := NewRelay(w, w)
		for {
			w.polls++
			if got, ready := r.Poll(); ready {
				t.Fatalf("the source is silent, and hasn't ended, and Poll gave %+v, true, want false", got)
			}
			if len(w.got) == len(w.want) {
				break
			}
			w.event()
		}
	})
}

// Neither side says that it can't go on, so one Poll goes on.
func TestOnePollGoesOn(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		w := testWorldOf(t, random, 1, 4<<20, 0)
		w.tick()
		if w.relay("4 MiB that are there, and a sink that takes everything"); w.polls > 2 {
			t.Fatalf("4 MiB were there, and the sink took everything, and that took %d polls, want one, or a second one for the end: why did Poll stop, when nothing had said EAGAIN?%s", w.polls, w.told())
		}
	})
}

// An event may be a false alarm: the side that had it says EAGAIN all the same.
func TestFalseAlarms(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		w := testWorldOf(t, random, 1, 100, 7)
		w.open, w.room = true, 0
		r := NewRelay(w, w)
		alarms := func(what string, asks *bool) {
			t.Helper()
			for alarm := range 300 {
				if got, ready := r.Poll(); ready {
					t.Fatalf("%s, and Poll gave %+v, true, want false", what, got)
				}
				if !*asks {
					t.Fatalf("%s, and Poll gave false, after %d events that were false alarms: it hasn't asked for another event, so nothing will cause another poll; each event uses up what was asked for it", what, alarm)
				}
				w.asksReadable, w.asksWritable = false, false
			}
		}
		alarms("the source was silent, and hasn't ended", &w.asksReadable)
		w.tick()
		w.room = 0
		alarms("the source gave 100 bytes, and the sink took nothing", &w.asksWritable)
		w.step = 0
		alarms("the source gave 100 bytes, the sink took them, and then the source was silent", &w.asksReadable)
	})
}

// Polls aren't time: either side may be silent for as many as it likes.
func TestSilence(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		w := testWorldOf(t, random, 2, 1000, 100)
		w.room, w.open = 0, true
		r := NewRelay(w, w)
		still := func(what string, asks *bool) {
			t.Helper()
			for poll := 1; poll <= 3000; poll++ {
				if got, ready := r.Poll(); ready {
					t.Fatalf("%s, and poll %d gave %+v, true, want false: EAGAIN says \"not now\", however often", what, poll, got)
				}
			}
			if !*asks {
				t.Fatalf("%s, and Poll has not asked for a wake that will come", what)
			}
		}
		still("the source was silent, and hasn't ended", &w.asksReadable)
		w.there, w.pieces = w.pieces[0], w.pieces[1:]
		w.asksReadable, w.asksWritable = false, false
		still("the source gave 1000 bytes, and the sink took nothing", &w.asksWritable)
		w.open, w.polls = false, 0
		for {
			w.polls++
			relayed, ready := r.Poll()
			if ready && (relayed != (Relayed{N: 2000}) || !bytes.Equal(w.got, w.want)) {
				t.Fatalf("after a long silence of both sides, Poll gave %+v, and the sink got %d bytes, or others, want {N:2000 Err:<nil>}", relayed, len(w.got))
			}
			if ready {
				break
			}
			if w.polls > 2000 {
				t.Fatalf("after a long silence of both sides, the relay doesn't end%s", w.told())
			}
			w.event()
		}
	})
}

func TestTwoRelays(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		a, b := testWorldOf(t, random, 3, 500, 70), testWorldOf(t, random, 3, 500, 70)
		ra, rb := NewRelay(a, a), NewRelay(b, b)
		for doneA, doneB := false, false; !doneA || !doneB; {
			if !doneA {
				a.polls++
				if _, doneA = ra.Poll(); !doneA {
					a.event()
				}
			}
			if !doneB {
				b.polls++
				if _, doneB = rb.Poll(); !doneB {
					b.event()
				}
			}
			if a.polls+b.polls > 10_000 {
				t.Fatalf("two relays in turns are still pending after 10,000 polls%s", a.told())
			}
		}
		if !bytes.Equal(a.got, a.want) || !bytes.Equal(b.got, b.want) {
			t.Fatal("two relays worked in turns, and the bytes of one of them are wrong: do they share a buffer?")
		}
	})
}

func TestMemory(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, test := range []struct{ size, step int }{{1 << 20, 4 << 10}, {1 << 17, 1000}, {1 << 17, 1<<14 - 1}, {1 << 17, 200 + random.IntN(3000)}} {
			w := testWorldOf(t, random, 1, test.size, test.step)
			what := fmt.Sprintf("%d KiB at once, to a sink that takes %d bytes after each event", test.size>>10, test.step)
			if w.relay(what); w.most > 16<<10 {
				t.Fatalf("%s: to a slow sink, the relay holds %d bytes that it has read and not written, at one time, want at most %d", what, w.most, 16<<10)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		all := []error{errors.New("the pipe is broken"), unix.EPIPE, unix.ECONNRESET, unix.ETIMEDOUT}
		for code := unix.Errno(1); code < 134; code++ {
			if unix.ErrnoName(code) != "" && code != unix.EAGAIN && code != unix.EINTR {
				all = append(all, code)
			}
		}
		for _, broken := range all {
			testError(t, random, broken)
		}
	})
}

func testError(t testing.TB, random *rand.Rand, broken error) {
	t.Helper()
	for _, test := range []struct {
		what string
		set  func(w *testWorld)
		n    int
	}{
		{"reading failed after 2,000 bytes", func(w *testWorld) { w.readEnd = broken }, 2000},
		{"writing failed after 1,000 bytes", func(w *testWorld) { w.writeEnd = broken }, 1000},
		{"asking for a wake failed", func(w *testWorld) { w.wakeEnd = broken }, -1},
		{"the sink took 100 bytes, and asking for a wake failed", func(w *testWorld) { w.wakeEnd, w.step, w.room = broken, 100, 100; w.tick() }, -1},
	} {
		w := testWorldOf(t, random, 2, 1000, 0)
		test.set(w)
		w.failed = fmt.Sprintf("; %s, with the error %q", test.what, broken)
		if got := w.run(); !errors.Is(got.Err, broken) || test.n >= 0 && got.N != test.n || got.N != len(w.got) {
			t.Fatalf("%s, with the error %q: Poll gave %+v, want {N:%d Err:%v}: the sink got %d bytes", test.what, broken, got, max(test.n, len(w.got)), broken, len(w.got))
		}
	}
}
