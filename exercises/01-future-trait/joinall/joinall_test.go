package main

import (
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed joinall.go
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
	value            Result[T]
	err              error // of Close
	late             int   // polls after it had finished
	lost             bool  // polled without the Context of that poll
}

func (a *testAfter[T]) Poll(cx *Context) (value Result[T], ready bool) {
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

func testOK(n int, value string) *testAfter[string] {
	return &testAfter[string]{n: n, value: Result[string]{Value: value}}
}

func testFails(n int, text string) *testAfter[string] {
	return &testAfter[string]{n: n, value: Result[string]{Err: errors.New(text)}}
}

// testJoin makes a TryJoinAll of these.
func testJoin(children ...*testAfter[string]) Future[Result[[]string]] {
	var futures []Future[Result[string]]
	for _, c := range children {
		futures = append(futures, c)
	}
	return TryJoinAll(futures...)
}

// testValues tells an empty slice from none.
func testValues(values []string) string {
	if values == nil {
		return "nil"
	}
	return fmt.Sprintf("the values %q", values)
}

// The children finish in an order that's drawn anew.
func TestEveryUnfinishedChildIsPolledOnce(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "joinall.go", testSource)
		orders := [][]int{{3, 1, 2}, {1, 1, 1}, {1, 2, 3}, {1}, {2}}
		for _, n := range []int{2 + random.IntN(10), 2 + random.IntN(100), 65, 130 + random.IntN(100)} {
			var order []int
			for range n {
				order = append(order, 1+random.IntN(4))
			}
			orders = append(orders, order)
		}
		for _, order := range orders {
			testRounds(t, order, fmt.Sprint(random.IntN(1000)))
		}
	})
}

// testRounds polls until the last child has finished. Child i does in poll order[i].
func testRounds(t testing.TB, order []int, mark string) {
	t.Helper()
	var children []*testAfter[string]
	var want []string
	last := 0
	for i, n := range order {
		want = append(want, fmt.Sprintf("value %d of %s", i, mark))
		if i%3 == 2 {
			want[i] = "" // a zero value is a value
		}
		children = append(children, testOK(n, want[i]))
		last = max(last, n)
	}
	all, what := testJoin(children...), fmt.Sprintf("children that are ready at poll %v", order)
	for poll := 1; poll <= last; poll++ {
		r, ready := all.Poll(testContext())
		for i, c := range children {
			switch {
			case c.late > 0:
				t.Fatalf("%s: child %d was polled again after it had finished: its value is handed out once, so keep it", what, i)
			case c.polls != min(poll, c.n):
				t.Fatalf("%s: after poll %d child %d was polled %d times, want %d: each Poll polls every child that hasn't finished, once, whatever the children before it said", what, poll, i, c.polls, min(poll, c.n))
			case c.lost:
				t.Fatalf("%s: child %d was polled without the Context that Poll got", what, i)
			case c.closes > 0:
				t.Fatalf("%s: child %d was closed at poll %d, and nothing has failed", what, i, poll)
			}
		}
		if poll < last && (ready || r.Value != nil || r.Err != nil) {
			t.Fatalf("%s: poll %d gave %q, error %v, %t, want no values, no error, false", what, poll, testValues(r.Value), r.Err, ready)
		}
		if poll == last && (!ready || r.Err != nil || !slices.Equal(r.Value, want)) {
			t.Fatalf("%s: poll %d gave %q, error %v, %t, want %q, no error, true: the values are in the order of the arguments, and come in the poll in which the last child has finished", what, poll, r.Value, r.Err, ready, want)
		}
	}
	Close(all)
	for i, c := range children {
		if c.closes > 0 {
			t.Fatalf("%s: all children had finished, and a Close after that has closed child %d", what, i)
		}
	}
}

func TestNothingStartsBeforeTheFirstPoll(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		a, b := testOK(1, "a"), testFails(1, "b")
		if testJoin(a, b); a.polls+b.polls+a.closes+b.closes != 0 {
			t.Fatalf("before TryJoinAll was polled, its children had been polled %d times and closed %d times, want neither: a future is lazy", a.polls+b.polls, a.closes+b.closes)
		}
	})
}

// Polls aren't time, so children may be pending for as many as they like.
func TestSlowChildren(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		a, b := testOK(70_000+random.IntN(100), "a"), testOK(140_000+random.IntN(100), "b")
		all := testJoin(a, b)
		for poll := 1; poll < b.n; poll++ {
			if r, ready := all.Poll(testContext()); ready || r.Value != nil || r.Err != nil || a.polls != min(poll, a.n) || b.polls != poll {
				t.Fatalf("poll %d gave %s, error %v, %t, want nil, no error, false: child 1 is pending, and that's no failure, however many polls it takes (the children were polled %d and %d times)", poll, testValues(r.Value), r.Err, ready, a.polls, b.polls)
			}
		}
		if r, ready := all.Poll(testContext()); !ready || r.Err != nil || !slices.Equal(r.Value, []string{"a", "b"}) {
			t.Fatalf("after %d polls the last child has finished, and Poll gave %s, error %v, %t, want the values [\"a\" \"b\"], no error, true", b.n, testValues(r.Value), r.Err, ready)
		}
	})
}

func TestFirstErrorEnds(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		at := 1 + random.IntN(3)
		text := fmt.Sprintf("the pot %d is broken", random.IntN(1000))
		before, done, failed, later := testOK(9, "a"), testOK(1, "b"), testFails(at, text), testOK(9, "c")
		all := testJoin(before, done, failed, later)
		for poll := 1; poll <= at; poll++ {
			r, ready := all.Poll(testContext())
			switch {
			case poll < at && (ready || r.Err != nil || r.Value != nil):
				t.Fatalf("poll %d gave %s, error %v, %t, want nil, no error, false: nothing has failed yet", poll, testValues(r.Value), r.Err, ready)
			case poll == at && (!ready || r.Err != failed.value.Err || r.Value != nil):
				t.Fatalf("child 2 failed at poll %d, which gave %s, error %v, %t, want the error %q and no values (nil), true", poll, testValues(r.Value), r.Err, ready, text)
			case poll == at && later.polls == poll:
				t.Fatal("child 3 was polled after the child that failed, in the same Poll: nobody needs its value anymore")
			case before.polls != poll || done.polls != 1:
				t.Fatalf("after poll %d the children 0 and 1 were polled %d and %d times, want %d and 1", poll, before.polls, done.polls, poll)
			}
		}
	})
}

func TestFirstErrorClosesTheOthers(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		a, b, now, failed, d, e := testOK(9, "a"), testOK(1, "b"), testOK(2, "now"), testFails(2, "the pot is broken"), testOK(9, "d"), testOK(9, "e")
		a.err = errors.New("and the cup, too")
		all := testJoin(a, b, now, failed, d, e)
		all.Poll(testContext())
		r, ready := all.Poll(testContext())
		for i, c := range []*testAfter[string]{a, d, e} {
			if c.closes != 1 {
				t.Fatalf("child 3 failed, and child %d, which was pending, was closed %d times, want once, before that Poll returns", []int{0, 4, 5}[i], c.closes)
			}
		}
		for i, c := range []*testAfter[string]{b, now, failed} {
			if c.closes != 0 {
				t.Fatalf("child 3 failed. Child %d had finished, and was closed: it isn't yours anymore (child 2 finished in the same Poll)", i+1)
			}
		}
		if !ready || r.Err != failed.value.Err {
			t.Fatalf("child 3 failed, and child 0 failed to close: Poll gave the error %v, %t, want the error of child 3, true", r.Err, ready)
		}
		if Close(all); a.closes+d.closes+e.closes > 3 {
			t.Fatal("child 3 failed, the others were closed, and a Close of TryJoinAll has closed one of them again")
		}
	})
}

// The children behind the one that fails at the first poll were never polled.
func TestFirstErrorClosesChildrenThatWereNeverPolled(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		a, failed, c := testOK(9, "a"), testFails(1, "the pot is broken"), testOK(9, "c")
		testJoin(a, failed, c).Poll(testContext())
		if a.closes != 1 || failed.closes != 0 || c.closes != 1 {
			t.Fatalf("child 1 failed at the first poll, and the children 0, 1 and 2 were closed %d, %d and %d times, want 1, 0 and 1: child 2 was never polled, and it hasn't finished either", a.closes, failed.closes, c.closes)
		}
	})
}

// A TryJoinAll has two ways to end, and here both are possible: the child that
// fails is the last to finish, or the only one.
func TestLastChildFails(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		for n := 1; n <= 4; n++ {
			var children []*testAfter[string]
			for i := range n - 1 {
				children = append(children, testOK(1+random.IntN(3), fmt.Sprint("value ", i)))
			}
			text, at := fmt.Sprintf("the pot %d is broken", random.IntN(1000)), random.IntN(n)
			failed := testFails(3, text)
			children = slices.Insert(children, at, failed)
			if at < n-1 {
				failed.n = 4 // those behind it have finished before
			}
			all, what := testJoin(children...), fmt.Sprintf("child %d of %d failed when all others had finished", at, n)
			for range failed.n - 1 {
				all.Poll(testContext())
			}
			r, ready := all.Poll(testContext())
			if !ready || r.Err != failed.value.Err || r.Value != nil {
				t.Fatalf("%s: Poll gave %s, error %v, %t, want the error %q and no values (nil), true: \"was it the last?\" and \"did it fail?\" can both be true", what, testValues(r.Value), r.Err, ready, text)
			}
			Close(all)
			for i, c := range children {
				if c.closes > 0 {
					t.Fatalf("%s, and child %d was closed, in that Poll or by a Close after it, want nothing: all had finished", what, i)
				}
			}
		}
	})
}

func TestTryJoinAllOfNothing(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		if r, ready := testJoin().Poll(testContext()); !ready || len(r.Value) != 0 || r.Err != nil {
			t.Fatalf("TryJoinAll of nothing gave %q, error %v, %t at its first poll, want no values, no error, true: there's nothing to wait for", r.Value, r.Err, ready)
		}
	})
}

func TestCloseGoesOnAfterAnError(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{1, 2, 3, 4, 65} {
			for polls := range 2 {
				testCloses(t, n, polls)
			}
		}
	})
}

// testCloses closes n children after some polls. Child 1 is ready at the first.
func testCloses(t testing.TB, n, polls int) {
	t.Helper()
	var children []*testAfter[string]
	for i := range n {
		c := testOK(9, "a")
		if i == 1 {
			c = testOK(1, "b")
		}
		c.err = errors.New("it's stuck") // another error each time, with the same text
		children = append(children, c)
	}
	all, what := testJoin(children...), fmt.Sprintf("TryJoinAll of %d children was closed after %d polls", n, polls)
	for range polls {
		all.Poll(testContext())
	}
	err := Close(all)
	for i, c := range children {
		pending := polls == 0 || i != 1
		if pending && c.closes != 1 {
			t.Fatalf("%s, and child %d (pending) was closed %d times, want once, also when another child failed to close", what, i, c.closes)
		}
		if !pending && c.closes != 0 {
			t.Fatalf("%s, and child %d had finished, and was closed", what, i)
		}
		if pending && !errors.Is(err, c.err) {
			t.Fatalf("%s, its children failed to close, and Close returned %q: errors.Is doesn't find the error of child %d in it (they're different errors, with the same text)", what, err, i)
		}
	}
	for range 2 {
		err = Close(all)
		for i, c := range children {
			if c.closes > 1 {
				t.Fatalf("%s, and a second Close has closed child %d again, want nothing: it was closed already", what, i)
			}
		}
		if err != nil {
			t.Fatalf("%s, and a second Close returned %q, want nil: it has nothing to do, so nothing can fail", what, err)
		}
	}
}

// A testTwin is a value, not a pointer, so two of them are equal: they share
// their counter. They're pending at first, and then each poll is ready.
type testTwin struct{ polls, first *int }

func (w testTwin) Poll(*Context) (r Result[string], ready bool) {
	if *w.polls++; *w.polls < *w.first {
		return r, false
	}
	r.Value = fmt.Sprint("poll ", *w.polls)
	return r, true
}

// A testFunc is a future that == can't compare, and that no map takes for a key.
type testFunc func() (Result[string], bool)

func (f testFunc) Poll(*Context) (Result[string], bool) { return f() }

func TestEqualChildren(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for first := 1; first <= 5; first++ {
			polls := 0
			twin := testTwin{polls: &polls, first: &first}
			for _, both := range []struct {
				what  string
				child Future[Result[string]]
			}{
				{"equal values (structs, not pointers)", twin},
				{"funcs, which can't be compared", testFunc(func() (Result[string], bool) { return twin.Poll(nil) })},
			} {
				polls = 0
				all := TryJoinAll(both.child, both.child, both.child)
				what := fmt.Sprintf("three children are %s, and ready from the poll %d of any of them on", both.what, first)
				var r Result[[]string]
				ready, rounds := false, 0
				for ; !ready && rounds < 9; rounds++ {
					r, ready = all.Poll(testContext())
				}
				// The first round polls all three, and the next one those that weren't ready.
				wantRounds, want := 1, []string{"poll 1", "poll 2", "poll 3"}
				switch first {
				case 2:
					wantRounds, want = 2, []string{"poll 4", "poll 2", "poll 3"}
				case 3:
					wantRounds, want = 2, []string{"poll 4", "poll 5", "poll 3"}
				case 4:
					wantRounds, want = 2, []string{"poll 4", "poll 5", "poll 6"}
				case 5:
					wantRounds, want = 3, []string{"poll 7", "poll 5", "poll 6"}
				}
				if !slices.Equal(r.Value, want) || rounds != wantRounds || r.Err != nil {
					t.Fatalf("%s: after %d polls of TryJoinAll and %d of theirs it gave %s, error %v, %t, want the values %q after %d: a child is known by its place, and not by ==", what, rounds, polls, testValues(r.Value), r.Err, ready, want, wantRounds)
				}
			}
		}
	})
}

// As many children as fit in a small counter, and one more. The biggest lists are
// only polled once and closed: taking each child out of one by itself is slow, and right.
func TestManyChildren(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{63, 64, 65, 255, 256, 257, 1000, 65_535, 65_536, 65_537} {
			children := make([]*testAfter[string], n)
			for i := range children {
				children[i] = testOK(2, "tea")
			}
			children[n/2].n = 3
			all := testJoin(children...)
			for poll := 1; poll <= 3; poll++ {
				r, ready := all.Poll(testContext())
				if poll < 3 && (ready || r.Value != nil || r.Err != nil) {
					t.Fatalf("%d children, of which %d are pending: poll %d gave %d values, error %v, %t, want no values, no error, false", n, []int{n, 1}[poll-1], poll, len(r.Value), r.Err, ready)
				}
				if poll == 3 && (!ready || len(r.Value) != n || r.Err != nil) {
					t.Fatalf("%d children, and all have finished: poll %d gave %d values, error %v, %t, want all of them, no error, true", n, poll, len(r.Value), r.Err, ready)
				}
				if n > 1000 {
					break
				}
			}
			for Close(all); n > 1000 && len(children) > 0; children = children[1:] {
				if children[0].closes != 1 {
					t.Fatalf("%d children were pending, TryJoinAll was closed, and child %d was closed %d times, want once", n, n-len(children), children[0].closes)
				}
			}
		}
	})
}

// Rule 5: Close is safe also after Poll panicked. A child whose Poll panicked hasn't finished.
func TestCloseAfterAPanic(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, how := range []struct {
			what  string
			leave func()
		}{
			{"panicked", func() { panic("no pot") }},
			{"called runtime.Goexit, as t.FailNow does,", runtime.Goexit},
		} {
			a, done, broken, c := testOK(9, "a"), testOK(1, "b"), &testPanics{leave: how.leave}, testOK(9, "c")
			all, left := TryJoinAll[string](a, done, broken, c), make(chan bool)
			go func() {
				leaves := true
				defer func() {
					recover()
					left <- leaves
				}()
				all.Poll(testContext())
				leaves = false
			}()
			if !<-left {
				t.Fatalf("child 2 %s in its Poll, and Poll of TryJoinAll returned: let the caller see that", how.what)
			}
			for range 2 {
				Close(all)
				for i, c := range []int{a.closes, done.closes, broken.closes, c.closes} {
					if want := map[bool]int{true: 0, false: 1}[i == 1]; c != want {
						t.Fatalf("child 2 %s in its Poll, then TryJoinAll was closed, and child %d was closed %d times, want %d: it closes each child that hasn't finished, once, also the one that panicked (child 1 had finished)", how.what, i, c, want)
					}
				}
			}
		}
	})
}

type testPanics struct {
	closes int
	leave  func()
}

func (p *testPanics) Poll(*Context) (r Result[string], ready bool) { p.leave(); return r, false }
func (p *testPanics) Close() error                                 { p.closes++; return nil }
