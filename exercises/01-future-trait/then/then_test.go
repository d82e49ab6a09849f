package main

import (
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed then.go
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

func TestThenOfTwoThatAreReady(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "then.go", testSource)
		n := random.IntN(1000)
		first, second := &testAfter[int]{n: 1, value: n}, &testAfter[string]{n: 1}
		f := Then[int](first, func(n int) Future[string] {
			second.value = fmt.Sprintf("<%d>", n)
			return second
		})
		got, ready := f.Poll(testContext())
		if second.polls == 0 {
			t.Fatal("the first future was ready at once, and the second future was not polled in that Poll: go on until something is pending")
		}
		if want := fmt.Sprintf("<%d>", n); got != want || !ready {
			t.Fatalf("both futures were ready at once, and Then gave %q, %t, want %q, true", got, ready, want)
		}
	})
}

func TestThenOfZeroValues(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		calls := 0
		got, ready := Then[string](&testAfter[string]{n: 1}, func(string) Future[string] {
			calls++
			return &testAfter[string]{n: 1}
		}).Poll(testContext())
		if got != "" || !ready || calls != 1 {
			t.Fatalf("both futures were ready with a zero value, and Then gave %q, %t, and called next %d times, want \"\", true, once: only ready says whether a value counts", got, ready, calls)
		}
	})
}

func TestThenStartsNothing(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		first, calls := &testAfter[int]{n: 1}, 0
		Then[int](first, func(int) Future[int] { calls++; return &testAfter[int]{n: 1} })
		if first.polls != 0 || calls != 0 {
			t.Fatalf("before Then was polled, it had polled f %d times and called next %d times, want neither: a future is lazy", first.polls, calls)
		}
	})
}

func TestThenWaitsForTheFirst(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		first, calls := &testAfter[int]{n: 70_000 + random.IntN(4), value: 7}, 0
		f := Then[int](first, func(n int) Future[string] {
			if calls++; n != 7 || calls > 1 {
				t.Fatalf("next was called with %d, call number %d, want one call with 7, the value of the first future", n, calls)
			}
			return &testAfter[string]{n: 2}
		})
		for poll := 1; poll < first.n; poll++ {
			got, ready := f.Poll(testContext())
			switch {
			case first.polls != poll:
				t.Fatalf("after %d polls of Then the first future was polled %d times, want %d: once for each", poll, first.polls, poll)
			case calls > 0:
				t.Fatalf("next was called with a zero value at poll %d, while the first future was pending: there's no value yet", poll)
			case got != "" || ready:
				t.Fatalf("poll %d gave %q, %t, want \"\", false: the first future is pending", poll, got, ready)
			}
		}
		if f.Poll(testContext()); first.lost {
			t.Fatal("the first future was polled without the Context that Then got: pass it on")
		}
	})
}

func TestThenGoesOnWithTheSecond(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		first, calls := &testAfter[int]{n: 2, value: 7}, 0
		second := &testAfter[string]{n: 140_000 + random.IntN(4), value: "tea"}
		f := Then[int](first, func(int) Future[string] { calls++; return second })
		f.Poll(testContext())
		for poll := 1; poll <= second.n; poll++ {
			got, ready := f.Poll(testContext())
			switch {
			case calls != 1:
				t.Fatalf("next was called %d times, want once: keep the future that it returned", calls)
			case first.late > 0:
				t.Fatal("the first future was polled again after it had finished: Then has to remember how far it is")
			case second.polls != poll:
				t.Fatalf("the second future was polled %d times in %d polls, want once in each", second.polls, poll)
			case second.lost:
				t.Fatal("the second future was polled without the Context that Then got: pass it on")
			case poll < second.n && (got != "" || ready):
				t.Fatalf("Then gave %q, %t, want \"\", false: the second future is pending", got, ready)
			case poll == second.n && (got != "tea" || !ready):
				t.Fatalf("Then gave %q, %t, want \"tea\", true: the second future is ready", got, ready)
			}
		}
	})
}

func TestCloseOfTheFirst(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for polls, when := range []string{"before its first poll", "after a poll, while the first future was pending"} {
			broken := errors.New("the cup is broken")
			first := &testAfter[int]{n: 2, err: broken}
			f := Then[int](first, func(int) Future[int] { return &testAfter[int]{n: 1} })
			for range polls {
				f.Poll(testContext())
			}
			if err := Close(f); first.closes != 1 {
				t.Fatalf("Then was closed %s, and the first future was closed %d times, want once: Then owns it", when, first.closes)
			} else if !errors.Is(err, broken) {
				t.Fatalf("Then was closed %s, and the first future failed to close; Close of Then returned %v, want its error, %q", when, err, broken)
			}
			if err := Close(f); first.closes != 1 {
				t.Fatalf("Then was closed twice, %s, and the first future was closed %d times, want once: after the first Close it isn't Then's anymore", when, first.closes)
			} else if err != nil {
				t.Fatalf("Then was closed %s, and a second Close returned %q, want nil: it has nothing to do, so nothing can fail", when, err)
			}
		}
	})
}

// testBare is a future without a Close method.
type testBare struct{}

func (testBare) Poll(*Context) (int, bool) { return 0, false }

func TestCloseOfAFutureWithoutClose(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		done := &testAfter[int]{n: 1, err: errors.New("the cup is broken")}
		for _, first := range []Future[int]{testBare{}, done} {
			f := Then[int](first, func(int) Future[int] { return testBare{} })
			f.Poll(testContext())
			if err := Close(f); err != nil {
				t.Fatalf("the future under way has no Close method, and Close of Then returned %q, want nil", err)
			} else if done.closes > 0 {
				t.Fatal("the second future was under way and has no Close method, and a Close of Then closed the first one instead, want nothing closed: the first had finished")
			}
		}
	})
}

func TestCloseOfTheSecond(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		broken := errors.New("the pot is broken")
		first, second := &testAfter[int]{n: 1}, &testAfter[int]{n: 2, err: broken}
		f := Then[int](first, func(int) Future[int] { return second })
		f.Poll(testContext())
		err := Close(f)
		switch {
		case second.closes != 1:
			t.Fatalf("Then was closed when the second future was pending, and closed it %d times, want once: Close is for the future that's under way", second.closes)
		case first.closes != 0:
			t.Fatal("Then was closed when the second future was pending, and the first, finished one was closed as well: what it held may belong to another by now")
		case !errors.Is(err, broken):
			t.Fatalf("the second future failed to close, and Close of Then returned %v, want its error, %q", err, broken)
		}
		if err = Close(f); first.closes != 0 || second.closes != 1 {
			t.Fatalf("Then was closed twice when the second future was pending; it closed the first future %d times and the second one %d times, want 0 and 1: after the first Close the future isn't Then's anymore", first.closes, second.closes)
		} else if err != nil {
			t.Fatalf("Then was closed when the second future was pending, and a second Close returned %q, want nil: it has nothing to do, so nothing can fail", err)
		}
	})
}

// A testTwin is a value, not a pointer, so two of them are equal: they share
// their counter. Each is ready at its second poll, and says how many came before.
type testTwin struct{ polls *int }

func (w testTwin) Poll(*Context) (int, bool) {
	if *w.polls++; *w.polls%2 == 1 {
		return 0, false
	}
	return *w.polls, true
}

// A testFunc is a future that == can't compare: it panics.
type testFunc func() (int, bool)

func (f testFunc) Poll(*Context) (int, bool) { return f() }

func TestThenOfEqualFutures(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		var polls, calls int
		twin := testTwin{polls: &polls}
		for _, both := range []struct {
			what   string
			future Future[int]
		}{
			{"equal values (structs, not pointers)", twin},
			{"funcs, which can't be compared", testFunc(func() (int, bool) { return twin.Poll(nil) })},
		} {
			what, future := both.what, both.future
			polls, calls = 0, 0
			f := Then(future, func(n int) Future[int] { calls++; return future })
			for poll := 1; poll <= 3; poll++ { // pending, ready and pending, ready
				value, ready := f.Poll(testContext())
				if want := map[int]int{3: 4}[poll]; value != want || ready != (poll == 3) || calls != min(poll-1, 1) || polls != []int{0, 1, 3, 4}[poll] {
					t.Fatalf("both futures were %s, and poll %d gave %d, %t, with %d polls of them and %d calls of next, want %d, %t, %d and %d: how far Then is can't be seen from which future it has, so remember it", what, poll, value, ready, polls, calls, want, poll == 3, []int{0, 1, 3, 4}[poll], min(poll-1, 1))
				}
			}
		}
	})
}

// testHow are two ways to leave a function in its middle.
var testHow = []struct {
	what  string
	leave func()
}{
	{"panicked", func() { panic("no pot") }},
	{"called runtime.Goexit, as t.FailNow does,", runtime.Goexit},
}

// testLeaves runs f, and reports whether it ended without returning.
func testLeaves(f func()) bool {
	left := make(chan bool)
	go func() {
		leaves := true
		defer func() {
			recover()
			left <- leaves
		}()
		f()
		leaves = false
	}()
	return <-left
}

// Rule 5: Close is safe also after Poll panicked.
func TestCloseAfterNextPanicked(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, how := range testHow {
			for polls := 1; polls <= 3; polls++ {
				first := &testAfter[int]{n: polls, err: errors.New("the cup is broken")}
				f := Then[int](first, func(int) Future[int] { how.leave(); return nil })
				left := testLeaves(func() {
					for range polls {
						f.Poll(testContext())
					}
				})
				for range 2 {
					if err := Close(f); !left {
						t.Fatalf("next %s at poll %d, and Poll of Then returned: let the caller see that", how.what, polls)
					} else if first.closes > 0 || err != nil {
						t.Fatalf("next %s, Then was closed, closed the first future %d times and returned %v, want 0 and nil: it had finished, so forget it before you call what may not return", how.what, first.closes, err)
					}
				}
			}
		}
	})
}

// A future whose Poll panicked hasn't finished.
func TestCloseAfterAFuturePanicked(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for n, which := range []string{"first", "first", "second", "second"} {
			how := testHow[n%2]
			done, broken := &testAfter[int]{n: 1}, &testPanics{leave: how.leave}
			f := Then[int](done, func(int) Future[int] { return broken })
			if which == "first" {
				f = Then[int](broken, func(int) Future[int] { return done })
			}
			left := testLeaves(func() { f.Poll(testContext()) })
			for range 2 {
				if Close(f); !left {
					t.Fatalf("the %s future %s in its Poll, and Poll of Then returned: let the caller see that", which, how.what)
				} else if broken.closes != 1 || done.closes != 0 {
					t.Fatalf("the %s future %s in its Poll, then Then was closed, and it closed that future %d times and the other %d times, want 1 and 0, also after a second Close: such a future hasn't finished", which, how.what, broken.closes, done.closes)
				}
			}
		}
	})
}

type testPanics struct {
	closes int
	leave  func()
}

func (p *testPanics) Poll(*Context) (int, bool) { p.leave(); return 0, false }
func (p *testPanics) Close() error              { p.closes++; return nil }
