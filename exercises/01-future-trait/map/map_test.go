package main

import (
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed map.go
var testSource string

const testWaits = "Poll answers at once, also when the answer is no; does it sleep, or loop?"

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

// testAfter is a future for tests. It's ready at its n-th poll.
type testAfter[T any] struct {
	n, polls, closes int
	value            T
	err              error // of Close
	late             int   // polls after it had finished
	lost             bool  // polled without the Context of that poll
}

func (a *testAfter[T]) Poll(cx *Context) (value T, ready bool) {
	a.lost = a.lost || cx != testNow
	if a.polls++; a.polls > a.n {
		a.late++
	}
	if a.polls < a.n {
		return value, false
	}
	return a.value, true
}

func (a *testAfter[T]) Close() error {
	a.closes++
	return a.err
}

func TestMapChangesTheValue(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "map.go", testSource)
		n := random.IntN(1000)
		f := Map[int](&testAfter[int]{n: 1, value: n}, func(n int) string { return fmt.Sprintf("<%d>", n) })
		got, ready := f.Poll(testContext())
		if want := fmt.Sprintf("<%d>", n); got != want || !ready {
			t.Fatalf("the future inside is ready, with %d, and Map gave %q, %t, want %q, true: Map is ready in the same Poll, with what change made", n, got, ready, want)
		}
	})
}

func TestMapOfAZeroValue(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		got, ready := Map[string](&testAfter[string]{n: 1}, func(s string) string { return "<" + s + ">" }).Poll(testContext())
		if got != "<>" || !ready {
			t.Fatalf("the future inside is ready with a zero value, \"\", and Map gave %q, %t, want \"<>\", true: only ready says whether a value counts", got, ready)
		}
	})
}

func TestMapToNil(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		calls := 0
		got, ready := Map[string](&testAfter[string]{n: 1}, func(string) error { calls++; return nil }).Poll(testContext())
		if got != nil || !ready || calls != 1 {
			t.Fatalf("the future inside is ready, change made a nil error of its value, and Map gave %v, %t after %d calls of change, want nil, true after one: nil is a value, too", got, ready, calls)
		}
	})
}

func TestMapStartsNothing(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		inside, calls := &testAfter[string]{n: 1}, 0
		Map[string](inside, func(string) int { calls++; return 0 })
		if inside.polls != 0 || calls != 0 {
			t.Fatalf("before Map was polled, it had polled the future inside %d times and called change %d times, want neither: a future is lazy", inside.polls, calls)
		}
	})
}

func TestMapIsPendingWhileItsFutureIs(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		inside := &testAfter[string]{n: 140_000 + random.IntN(50), value: "tea"}
		var seen []string
		f := Map[string](inside, func(s string) string {
			seen = append(seen, s)
			return s + " with milk"
		})
		for poll := 1; poll <= inside.n; poll++ {
			got, ready := f.Poll(testContext())
			switch {
			case inside.polls != poll:
				t.Fatalf("after poll %d the future inside has been polled %d times: this Poll of Map polled the future inside %d times, want once", poll, inside.polls, inside.polls-poll+1)
			case inside.lost:
				t.Fatal("Map polled the future inside without the Context that Map got: pass it on")
			case poll < inside.n && len(seen) > 0:
				t.Fatalf("change was called with %q at poll %d, while the future inside was pending: there's no value to change yet", seen[0], poll)
			case poll < inside.n && (ready || got != ""):
				t.Fatalf("poll %d gave %q, %t, want \"\", false: the future inside is pending", poll, got, ready)
			case poll == inside.n && (!ready || got != "tea with milk"):
				t.Fatalf("poll %d gave %q, %t, want \"tea with milk\", true: the future inside is ready now, so Map is ready in the same Poll", poll, got, ready)
			}
		}
	})
}

func TestChangeIsCalledOnce(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		calls := 0
		f := Map[string](&testAfter[string]{n: 2, value: "tea"}, func(s string) int { calls++; return len(s) })
		f.Poll(testContext())
		if got, _ := f.Poll(testContext()); calls != 1 || got != 3 {
			t.Fatalf("change was called %d times, and Map gave %d, want one call and 3", calls, got)
		}
	})
}

func TestCloseReachesTheFutureInside(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for polls, when := range []string{"before its first poll", "after a poll, while it was pending"} {
			broken := errors.New("the cup is broken")
			inside := &testAfter[string]{n: 2, value: "tea", err: broken}
			f := Map[string](inside, func(s string) string { return s })
			for range polls {
				f.Poll(testContext())
			}
			err := Close(f)
			if inside.closes != 1 {
				t.Fatalf("Map was closed %s, and the future inside was closed %d times, want once: without a Close what it holds would stay open forever, and with two, another may have it by then", when, inside.closes)
			}
			if !errors.Is(err, broken) {
				t.Fatalf("Map was closed %s, and the future inside failed to close; Close of Map returned %v, want its error, %q", when, err, broken)
			}
		}
	})
}

// testBare is a future without a Close method.
type testBare struct{}

func (testBare) Poll(*Context) (string, bool) { return "", false }

func TestCloseOfAFutureWithoutClose(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		f := Map[string](testBare{}, func(s string) string { return s })
		f.Poll(testContext())
		if err := Close(f); err != nil {
			t.Fatalf("the future inside has no Close method, and Close of Map returned %q, want nil", err)
		}
	})
}

// testPanics is a future whose Poll doesn't return.
type testPanics struct {
	testAfter[string]
	leave func()
}

func (p *testPanics) Poll(*Context) (string, bool) { p.leave(); return "", false }

// Rule 5: Close is safe also after Poll panicked. A future that panicked hasn't finished.
func TestCloseAfterAPanic(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for what, leave := range map[string]func(){
			"panicked":               func() { panic("no cup") },
			"called runtime.Goexit,": runtime.Goexit, // as t.FailNow does
		} {
			inside := &testPanics{testAfter[string]{err: errors.New("the cup is broken")}, leave}
			f, over := Map[string](inside, func(s string) string { return s }), make(chan bool)
			go func() {
				defer close(over)
				defer func() { recover() }()
				f.Poll(testContext())
			}()
			<-over
			if err := Close(f); inside.closes != 1 || !errors.Is(err, inside.err) {
				t.Fatalf("the future inside %s in its Poll, then Map was closed, closed it %d times and returned %v, want once and its error: such a future hasn't finished, so keep it where Close finds it", what, inside.closes, err)
			}
		}
	})
}
