package main

import (
	_ "embed"
	"fmt"
	"math"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed countdown.go
var testSource string

const testWaits = "Poll answers at once; does it sleep, or does it loop until the count is over?"

// testPolls polls n times, and wants "not yet" each time.
func testPolls(t testing.TB, l *Launch, n int, what string) {
	t.Helper()
	for i := range n {
		if value, ready := l.Poll(new(Context)); value != "" || ready {
			t.Fatalf("%s: poll %d gave %q, %t, want \"\", false", what, i+1, value, ready)
		}
	}
}

// testLiftoff wants the next poll to deliver.
func testLiftoff(t testing.TB, l *Launch, what string) {
	t.Helper()
	if value, ready := l.Poll(new(Context)); value != "liftoff" || !ready {
		t.Fatalf("%s: the next poll gave %q, %t, want \"liftoff\", true", what, value, ready)
	}
}

func TestLaunchCountsItsPolls(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "countdown.go", testSource)
		for _, n := range []int{1, 0, 3, 4 + random.IntN(20), 5000 + random.IntN(5000), 70_000} {
			l := NewLaunch(n)
			for poll := 1; poll <= n+1; poll++ {
				value, ready := l.Poll(new(Context))
				switch {
				case poll <= n && (value != "" || ready):
					t.Fatalf("NewLaunch(%d): poll %d gave %q, %t, want \"\", false: one Poll counts down by one, and there's no value yet", n, poll, value, ready)
				case poll > n && (value != "liftoff" || !ready):
					t.Fatalf("NewLaunch(%d): after %d polls that said \"not yet\", poll %d gave %q, %t, want \"liftoff\", true: does the count stay in the Launch between two polls?", n, n, poll, value, ready)
				}
			}
		}
	})
}

func TestHeldLaunchDoesNotCount(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		n := 2 + random.IntN(5)
		l := NewLaunch(n)
		testPolls(t, l, 1, "before the hold")
		l.Hold()
		testPolls(t, l, 3*n, "on hold")
		l.Release()
		for i := range n - 1 {
			if value, ready := l.Poll(new(Context)); value != "" || ready {
				t.Fatalf("NewLaunch(%d) was polled once, then %d times on hold, and it counted: poll %d after Release gave %q, %t, want \"\", false", n, 3*n, i+1, value, ready)
			}
		}
		testLiftoff(t, l, "after the hold")
	})
}

func TestHoldAtZero(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{0, 2} {
			l := NewLaunch(n)
			testPolls(t, l, n, "before the hold")
			l.Hold()
			testPolls(t, l, 3, "on hold at zero")
			l.Release()
			testLiftoff(t, l, "released at zero")
		}
	})
}

func TestReleaseGoesOn(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		l := NewLaunch(4)
		testPolls(t, l, 2, "before the hold")
		l.Hold()
		testPolls(t, l, 1, "on hold")
		l.Release()
		testPolls(t, l, 2, "after Release")
		testLiftoff(t, l, "NewLaunch(4), polled twice, held, released and polled twice: it has to go on where it was")

		l = NewLaunch(0)
		l.Hold()
		l.Hold()
		testPolls(t, l, 1, "after Hold twice")
		l.Hold()
		l.Hold()
		l.Release()
		testLiftoff(t, l, "Hold twice, Release once, which is enough")

		l = NewLaunch(2)
		testPolls(t, l, 1, "at first")
		l.Release()
		testPolls(t, l, 1, "after a Release without a Hold, which changes nothing")
		testLiftoff(t, l, "NewLaunch(2), polled twice, with a Release without a Hold in between")
		l = NewLaunch(1)
		l.Release()
		l.Hold()
		testPolls(t, l, 3, "a Release without a Hold, and then a Hold")
	})
}

func TestOnlyPollCounts(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		l := NewLaunch(3)
		for range 5 {
			l.Hold()
			l.Release()
		}
		testPolls(t, l, 3, "NewLaunch(3), held and released five times. Only Poll counts")
		testLiftoff(t, l, "NewLaunch(3), polled three times")
	})
}

func TestLaunchesCountSeparately(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		a, b := NewLaunch(1), NewLaunch(3)
		for range 2 {
			a.Poll(new(Context))
		}
		b.Hold()
		a, c := NewLaunch(1), NewLaunch(0)
		testPolls(t, a, 1, "two launches count separately, and this one is new and has one left")
		testLiftoff(t, c, "launches are held separately, and this one isn't on hold")
		b.Release()
		testPolls(t, b, 3, "launches count separately, and this one has three left")
		testLiftoff(t, b, "launches count separately, and this one has had its three polls")
	})
}

// Two launches of the same number are still two.
func TestEqualLaunchesCountSeparately(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{0, 1, 2, 100} {
			what := fmt.Sprintf("two launches were made with NewLaunch(%d), and the first was held", n)
			first, second := NewLaunch(n), NewLaunch(n)
			first.Hold()
			testPolls(t, second, n, what+", and this is the second")
			testLiftoff(t, second, what+", and this is the second")
			testPolls(t, first, n+1, what+", and this is the first")
			first.Release()
			testPolls(t, first, n, what+" and released, and this is the first")
			testLiftoff(t, first, what+" and released, and this is the first")
		}
	})
}

func TestLongHold(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{0, 1} {
			l, polls := NewLaunch(n), 5000+random.IntN(100)
			l.Hold()
			for poll := 1; poll <= polls; poll++ {
				if value, ready := l.Poll(new(Context)); value != "" || ready {
					t.Fatalf("NewLaunch(%d) was put on hold, and poll %d gave %q, %t, want \"\", false: it counted, or flew, without a Release", n, poll, value, ready)
				}
			}
			l.Release()
			testPolls(t, l, n, "released after a long hold")
			testLiftoff(t, l, "released after a long hold")
		}
	})
}

// However often Hold and Release are called: these are switches, and not counts.
func TestManyHolds(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000, 65_535, 65_536, 65_537} {
			l := NewLaunch(1)
			for range n {
				l.Hold()
			}
			testPolls(t, l, 2, fmt.Sprintf("after %d calls of Hold, and no Release", n))
			l.Release()
			testPolls(t, l, 1, fmt.Sprintf("NewLaunch(1), after %d calls of Hold, and one Release", n))
			for range n {
				l.Release()
			}
			testLiftoff(t, l, fmt.Sprintf("after %d calls of Release, of which one was enough", n))
			l = NewLaunch(0)
			for range n {
				l.Release()
			}
			l.Hold()
			testPolls(t, l, 2, fmt.Sprintf("after %d calls of Release for nothing, and one Hold", n))
		}
	})
}

// A float32 has no place for every whole number above 1<<24.
func TestCountToTheEnd(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		n := 1<<24 + 1 + 2*random.IntN(1000)
		l, cx := NewLaunch(n), new(Context)
		for poll := 1; poll <= n; poll++ {
			if value, ready := l.Poll(cx); value != "" || ready {
				t.Fatalf("NewLaunch(%d): poll %d gave %q, %t, want \"\", false: can the field that keeps the number hold any int?", n, poll, value, ready)
			}
		}
		if value, ready := l.Poll(cx); value != "liftoff" || !ready {
			t.Fatalf("NewLaunch(%d): after as many polls that said \"not yet\", the next poll gave %q, %t, want \"liftoff\", true: is one less always another number, in the field that keeps it?", n, value, ready)
		}
	})
}

// No test can wait for the end of this count.
func TestLongCount(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{math.MaxInt32, math.MaxInt/2 + 1, math.MaxInt} {
			l := NewLaunch(n)
			for poll := 1; poll <= 100; poll++ {
				if value, ready := l.Poll(new(Context)); value != "" || ready {
					t.Fatalf("NewLaunch(%d): poll %d gave %q, %t, want \"\", false: does the number fit in the field that keeps it?", n, poll, value, ready)
				}
			}
		}
	})
}
