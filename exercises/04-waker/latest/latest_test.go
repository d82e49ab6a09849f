package main

import (
	_ "embed"
	"fmt"
	"slices"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed latest.go
var testSource string

const testBlocks = "Poll and Wake may wait for nothing; is a lock held while a child is polled, or while a waker is called?"

// A testDish is a future that the test makes ready.
type testDish struct {
	name  string
	ready bool
	polls int
	cx    *Context // of its latest poll
	waker Waker    // of its latest poll
	then  func()   // what happens while it is polled, once
}

func (d *testDish) Poll(cx *Context) (string, bool) {
	d.polls++
	d.cx, d.waker = cx, cx.Waker()
	if then := d.then; then != nil {
		d.then = nil
		then()
	}
	if !d.ready {
		return "", false
	}
	return d.name, true
}

// testEater polls, and counts the wakes.
type testEater struct {
	name  string
	woken int
	then  func() // what happens in the wake, once
}

func (s *testEater) Wake() {
	s.woken++
	if then := s.then; then != nil {
		s.then = nil
		then()
	}
}

// A testGuest counts the wakes, and is of another type.
type testGuest struct{ woken int }

func (g *testGuest) Wake() { g.woken++ }

// A testTable is two dishes, joined, and two people that wait for them.
type testTable struct {
	t          testing.TB
	tea, toast *testDish
	joined     *Joined[string]
	ann, bob   *testEater
}

func testLay(t testing.TB) *testTable {
	b := &testTable{t: t, tea: &testDish{name: "tea"}, toast: &testDish{name: "toast"}, ann: &testEater{name: "Ann"}, bob: &testEater{name: "Bob"}}
	b.joined = NewJoined[string](b.tea, b.toast)
	return b
}

// poll polls once, and wants so many polls of tea and of toast in it, and
// these values, or none.
func (b *testTable) poll(who *testEater, when string, tea, toast int, want ...string) {
	b.t.Helper()
	b.tea.polls, b.toast.polls = 0, 0
	values, ready := b.joined.Poll(&Context{waker: who})
	if b.tea.polls != tea || b.toast.polls != toast {
		b.t.Fatalf("%s Poll has polled tea %d times and toast %d times, want %d and %d: a child is polled if it was woken since its last poll, or never polled, and not otherwise", when, b.tea.polls, b.toast.polls, tea, toast)
	}
	if ready != (want != nil) || !slices.Equal(values, want) {
		b.t.Fatalf("%s Poll gave %q, %t, want %q, %t", when, values, ready, want, want != nil)
	}
}

// checkWoken wants that one of the two was woken.
func (b *testTable) checkWoken(what string, who *testEater) {
	b.t.Helper()
	if who.woken == 0 {
		b.t.Fatalf("%s, and the waker of %s, who polled last, wasn't called (Ann's: %d times, Bob's: %d times): %s sleeps forever", what, who.name, b.ann.woken, b.bob.woken, who.name)
	}
}

// testTry runs f, unless there's nothing to try.
func testTry(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: latest.go is not started")
	}
	check.Instant(t, testBlocks, f)
}

func TestEachIsPolledTheFirstTime(t *testing.T) {
	check.Started(t, "latest.go", testSource)
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		if b.tea.polls+b.toast.polls > 0 {
			t.Fatal("NewJoined has polled a child: a future is lazy")
		}
		b.poll(b.ann, "the first time", 1, 1)
	})
}

func TestReactorIsHandedOn(t *testing.T) {
	testTry(t, func(t testing.TB) {
		b, r := testLay(t), new(Reactor)
		b.joined.Poll(&Context{waker: b.ann, reactor: r})
		for _, d := range []*testDish{b.tea, b.toast} {
			if d.cx == nil || d.cx.reactor != r {
				t.Fatalf("%s was polled without the reactor of the Context that Poll was given: a child that reads from a socket can't register anywhere", d.name)
			}
		}
		b.tea.waker.Wake()
		moved := new(Reactor)
		b.joined.Poll(&Context{waker: b.ann, reactor: moved})
		if b.tea.cx.reactor != moved {
			t.Fatal("the whole was polled by one executor, and then by another one, with another reactor, and tea was still polled with the first reactor: only the waker of a child stays the same")
		}
	})
}

func TestAllReadyAtOnce(t *testing.T) {
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		b.tea.ready, b.toast.ready = true, true
		b.poll(b.ann, "with both dishes ready", 1, 1, "tea", "toast")
	})
}

func TestOnlyTheWokenAreAsked(t *testing.T) {
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		b.poll(b.ann, "the first time", 1, 1)
		b.poll(b.ann, "without a wake", 0, 0)
		b.toast.ready = true
		b.toast.waker.Wake()
		b.checkWoken("toast was woken", b.ann)
		b.poll(b.ann, "after a wake of toast", 0, 1)
		b.tea.waker.Wake()
		b.tea.waker.Wake()
		b.poll(b.ann, "after two wakes of tea, which is not ready,", 1, 0)
		b.tea.ready = true
		b.tea.waker.Wake()
		b.poll(b.ann, "after a wake of tea, which is ready,", 1, 0, "tea", "toast")
	})
}

func TestAllThatWereWokenArePolled(t *testing.T) {
	r := check.Random(t)
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		b.poll(b.ann, "the first time", 1, 1)
		b.tea.waker.Wake()
		b.toast.waker.Wake()
		b.poll(b.ann, "after both dishes were woken,", 1, 1)

		dishes, futures := make([]*testDish, 300), make([]Future[string], 300)
		for i := range dishes {
			dishes[i] = &testDish{name: fmt.Sprintf("dish %d", i)}
			futures[i] = dishes[i]
		}
		all := NewJoined(futures...)
		all.Poll(&Context{waker: b.ann})
		for _, d := range dishes {
			if d.polls != 1 {
				t.Fatalf("there are 300 dishes, and the first Poll has polled %s %d times, want once: some way to say which child was woken has no room for all", d.name, d.polls)
			}
		}
		for left := len(dishes); left > 0; {
			woken := make([]bool, len(dishes))
			for i, d := range dishes {
				before := d.polls
				if woken[i] = r.IntN(3) == 0; woken[i] && !d.ready {
					if d.ready = r.IntN(2) == 0; d.ready {
						left--
					}
					d.waker.Wake()
				} else {
					woken[i] = false
				}
				d.polls = before
			}
			for _, d := range dishes {
				d.polls = 0
			}
			values, ready := all.Poll(&Context{waker: b.ann})
			for i, d := range dishes {
				if want := map[bool]int{true: 1}[woken[i]]; d.polls != want {
					t.Fatalf("some of 300 dishes were woken, and Poll has polled %s %d times, want %d", d.name, d.polls, want)
				}
			}
			if ready != (left == 0) || ready && (len(values) != len(dishes) || values[3] != "dish 3" || values[299] != "dish 299") {
				t.Fatalf("%d of 300 dishes are pending, and Poll returned %q, %t", left, values, ready)
			}
		}
	})
}

// A testPlate is a future of a struct type, so two of them may be equal.
type testPlate struct{ *testShelf }

// A testStack is one that can't be compared, because of the slice in it.
type testStack struct {
	*testShelf
	notes []string
}

// A testShelf is what equal futures have in common.
type testShelf struct {
	wakers []Waker // of their polls
	dishes int
}

func (s *testShelf) poll(cx *Context) (string, bool) {
	s.wakers = append(s.wakers, cx.Waker())
	if s.dishes == 0 {
		return "", false
	}
	s.dishes--
	return fmt.Sprintf("dish %d", s.dishes), true
}

func (p testPlate) Poll(cx *Context) (string, bool) { return p.poll(cx) }
func (p testStack) Poll(cx *Context) (string, bool) { return p.poll(cx) }

func TestEqualChildren(t *testing.T) {
	for _, kind := range []string{"equal values of a struct type", "values of a type that can't be compared", "the same pointer"} {
		testTry(t, func(t testing.TB) {
			shelf := new(testShelf)
			var child Future[string] = testPlate{shelf}
			switch kind {
			case "values of a type that can't be compared":
				child = testStack{testShelf: shelf}
			case "the same pointer":
				child = &testPlate{shelf}
			}
			all, ann := NewJoined(child, child, child), new(testEater)
			all.Poll(&Context{waker: ann})
			if n := len(shelf.wakers); n != 3 {
				t.Fatalf("there are three children, which are %s, and the first Poll has made %d polls, want 3: each child is one of its own, whatever it looks like", kind, n)
			}
			first, second, third := shelf.wakers[0], shelf.wakers[1], shelf.wakers[2]
			second.Wake()
			if all.Poll(&Context{waker: ann}); len(shelf.wakers) != 4 {
				t.Fatalf("one of three children was woken, which are %s, and Poll has made %d polls, want 1: how does it tell which child was woken?", kind, len(shelf.wakers)-3)
			}
			shelf.dishes = 1
			second.Wake()
			if values, ready := all.Poll(&Context{waker: ann}); ready || values != nil {
				t.Fatalf("one of three children is ready, which are %s, and Poll gave %q, %t, want nil, false", kind, values, ready)
			}
			shelf.dishes = 2
			third.Wake()
			first.Wake()
			values, ready := all.Poll(&Context{waker: ann})
			if want := []string{"dish 1", "dish 0", "dish 0"}; !ready || !slices.Equal(values, want) && !slices.Equal(values, []string{"dish 0", "dish 0", "dish 1"}) {
				t.Fatalf("all of three children are ready, which are %s, and Poll gave %q, %t, want %q, true", kind, values, ready, want)
			}
		})
	}
}

func TestFinishedIsNotAskedAgain(t *testing.T) {
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		b.tea.ready = true
		b.poll(b.ann, "with tea ready", 1, 1)
		b.tea.waker.Wake()
		b.poll(b.ann, "after a late wake of tea, which has finished,", 0, 0)
		b.toast.ready = true
		b.toast.waker.Wake()
		b.poll(b.ann, "after a wake of toast, which is ready,", 0, 1, "tea", "toast")
		b.tea.waker.Wake() // later than everything
		b.toast.waker.Wake()
	})
}

// The children are polled by Ann, and then Joined is moved to Bob.
func TestWhoPolledLastIsWoken(t *testing.T) {
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		b.poll(b.ann, "the first time, by Ann,", 1, 1)
		b.toast.waker.Wake()
		b.ann.woken = 0
		b.poll(b.bob, "the second time, by Bob, after a wake of toast,", 0, 1)
		b.toast.waker.Wake()
		b.checkWoken("Ann polled, then Bob did, and polled toast again; then toast was woken", b.bob)

		b = testLay(t)
		b.poll(b.ann, "the first time, by Ann,", 1, 1)
		b.poll(b.bob, "the second time, by Bob,", 0, 0)
		b.tea.waker.Wake()
		b.checkWoken("Ann polled, then Bob did, with no reason to poll tea again; then tea was woken", b.bob)
	})
	// Each runtime has a type of its own for its wakers.
	testTry(t, func(t testing.TB) {
		b, guest := testLay(t), &testGuest{}
		b.poll(b.ann, "the first time, by Ann,", 1, 1)
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Fatalf("polled by Ann, and then with a waker of another type, Poll panics: %v", v)
				}
			}()
			b.joined.Poll(&Context{waker: guest})
		}()
		b.tea.waker.Wake()
		if guest.woken == 0 {
			t.Fatal("polled by Ann, and then with a waker of another type; then tea was woken, and this waker wasn't called")
		}
	})
}

func TestWakeDuringItsOwnPoll(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for range 2 {
			b := testLay(t)
			b.tea.then = func() { b.tea.waker.Wake() }
			b.poll(b.ann, "the first time, when tea wakes itself while it is polled,", 1, 1)
			b.checkWoken("tea wakes itself while it is polled", b.ann)
			b.poll(b.ann, "after tea wakes itself while it is polled,", 1, 0)
			b.poll(b.ann, "without another wake", 0, 0)
		}
	})
}

// Joined is under way, polled by Bob, when something happens to a child that
// Ann has polled.
func TestWakeOfAnotherDuringThePoll(t *testing.T) {
	for _, name := range []string{"tea", "toast"} {
		testTry(t, func(t testing.TB) {
			b := testLay(t)
			asked, other := b.toast, b.tea // asked comes after other, or before it
			if name == "tea" {
				asked, other = b.tea, b.toast
			}
			b.poll(b.ann, "the first time, by Ann,", 1, 1)
			asked.waker.Wake()
			b.ann.woken = 0
			asked.then = func() { other.ready = true; other.waker.Wake() }
			b.tea.polls, b.toast.polls = 0, 0
			b.joined.Poll(&Context{waker: b.bob})
			what := fmt.Sprintf("Ann polled first. Now Bob polls, and while %s is polled, %s is woken", asked.name, other.name)
			if asked.polls != 1 {
				t.Fatalf("%s: but %s was polled %d times, want once", what, asked.name, asked.polls)
			}
			if other.polls == 0 { // else it was seen in the same Poll
				b.checkWoken(what, b.bob)
				b.joined.Poll(&Context{waker: b.bob})
			}
			if other.polls != 1 {
				t.Fatalf("%s: and then %s was polled %d times, want once, in this Poll or in the next", what, other.name, other.polls)
			}
		})
	}
}

func TestWokenPollsAtOnce(t *testing.T) {
	testTry(t, func(t testing.TB) {
		b := testLay(t)
		b.poll(b.ann, "the first time", 1, 1)
		b.ann.then = func() { b.poll(b.ann, "inside the wake of toast,", 0, 1) }
		b.toast.waker.Wake()
		b.checkWoken("toast was woken", b.ann)
	})
}

// A testOrdered is a child in a scenario.
type testOrdered struct {
	s     *order.Schedule
	name  string
	come  bool
	polls int
	waker Waker
}

func (c *testOrdered) Poll(cx *Context) (string, bool) {
	c.polls++
	c.waker = cx.Waker()
	c.s.Step(fmt.Sprintf("(polls %s, which is ready: %t)", c.name, c.come))
	return c.name, c.come
}

// arrive is what happens on another goroutine.
func (c *testOrdered) arrive() {
	c.come = true
	c.s.Step("(" + c.name + " is ready, so its waker is called, if it has one)")
	if c.waker != nil {
		c.waker.Wake()
	}
}

// All orders of one goroutine that polls and two that wake a child each.
func TestEveryOrder(t *testing.T) {
	order.All(t, "latest.go", testSource, order.Scenario{
		Bound: 1, Story: "a poller polls, each time with another waker, until it's ready; meanwhile tea and toast are woken",
		Run: func(s *order.Schedule) {
			tea, toast := &testOrdered{s: s, name: "tea"}, &testOrdered{s: s, name: "toast"}
			all, first := NewJoined[string](tea, toast), s.Waker()
			s.Go("poller", func() {
				for w := first; ; w = s.Waker() {
					values, ready := all.Poll(&Context{waker: w})
					if ready {
						if !slices.Equal(values, []string{"tea", "toast"}) {
							s.Fatalf("Poll returned %q", values)
						}
						return
					}
					w.Sleep()
				}
			})
			s.Go("tea", tea.arrive)
			s.Go("toast", toast.arrive)
			s.Finally(func() {
				for _, c := range []*testOrdered{tea, toast} {
					if c.polls > 2 {
						s.Fatalf("%s was polled %d times: the first time, once for its wake, and then for nothing", c.name, c.polls)
					}
				}
			})
		},
	})
}
