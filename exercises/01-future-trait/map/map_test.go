package main

import (
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must answer at once, also when the answer is no; does something in it wait, or loop?"

// testAfter is a future for tests: ready at its n-th poll.
type testAfter struct {
	n, polls, closes int
	value            string
}

func (a *testAfter) Poll(*Context) (string, bool) {
	if a.polls++; a.polls < a.n {
		return "", false
	}
	return a.value, true
}

func (a *testAfter) Close() error {
	a.closes++
	return nil
}

func TestMapChangesTheValue(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		f := Map[string](&testAfter{n: 1, value: "tea"}, func(s string) int { return len(s) })
		switch got, ready := f.Poll(new(Context)); {
		case !ready:
			t.Fatalf("map.go is not started: Map over a future that is ready must be ready at once, and gave %d, false", got)
		case got != 3:
			t.Errorf("Map of \"tea\" and len gave %d, true, want 3, true", got)
		}
	})
}

func TestNothingIsPolledBeforeTheFirstPoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		inside := &testAfter{n: 1, value: "tea"}
		Map[string](inside, func(s string) string { return s })
		if inside.polls != 0 {
			t.Errorf("Map has polled the future %d times before anybody polled Map: a future is lazy", inside.polls)
		}
	})
}

func TestMapIsPendingWhileItsFutureIs(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		inside := &testAfter{n: 3, value: "tea"}
		var seen []string
		f := Map[string](inside, func(s string) string {
			seen = append(seen, s)
			return s + " with milk"
		})
		for poll := 1; poll <= 3; poll++ {
			got, ready := f.Poll(new(Context))
			switch {
			case inside.polls != poll:
				t.Fatalf("after poll %d the future inside has been polled %d times: one Poll of Map polled the future inside %d times, want once", poll, inside.polls, inside.polls-poll+1)
			case poll < 3 && len(seen) > 0:
				t.Fatalf("change was called with %q at poll %d, while the future inside was pending: there is no value to change yet", seen[0], poll)
			case poll < 3 && (ready || got != ""):
				t.Fatalf("poll %d gave %q, %t; the future inside is pending, so want \"\", false", poll, got, ready)
			case poll == 3 && (!ready || got != "tea with milk"):
				t.Fatalf("poll 3 gave %q, %t, want \"tea with milk\", true: the future inside is ready now", got, ready)
			}
		}
		if len(seen) != 1 {
			t.Errorf("change was called %d times, with %q, want once", len(seen), seen)
		}
	})
}

func TestCloseReachesTheFutureInside(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		inside := &testAfter{n: 2, value: "tea"}
		f := Map[string](inside, func(s string) string { return s })
		f.Poll(new(Context))
		Close(f)
		if inside.closes != 1 {
			t.Errorf("Map was abandoned while it was pending, and the future inside was closed %d times, want once: what it holds would stay open for ever", inside.closes)
		}
	})
}
