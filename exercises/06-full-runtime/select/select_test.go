package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed select.go
var testSource string

const testReturns = "Poll and Close must return at once; does one of them wait, or try again and again until something happens?"

// A testTable is where the cases lie, and what was done with them.
type testTable struct {
	testing.TB
	cases []*testCase
	steps []string
	step  func(n int) // before a step, and after the last
	happy int         // cases that have happened
	woken int
	first bool // woken by the waker of an earlier poll
}

type testCase struct {
	t          *testTable
	name       string
	possible   bool
	always     bool // it stays possible
	happened   int
	tries      int
	registered []Waker
	left       int
}

func (c *testCase) note(what string) {
	t := c.t
	if t.step != nil {
		t.step(len(t.steps))
	}
	t.steps = append(t.steps, what+" "+c.name)
	if len(t.steps) > 100_000 {
		panic("after 100,000 steps")
	}
}

func (c *testCase) Try() bool {
	c.note("try")
	c.tries++
	if c.t.happy > 0 {
		c.t.Fatalf("%s: a case has happened already, and %s is tried after that: only one may happen", c.t.story(), c.name)
	}
	if !c.possible {
		return false
	}
	c.possible = false
	c.happened++
	c.t.happy++
	c.t.steps = append(c.t.steps, c.name+" happens")
	return true
}

func (c *testCase) Register(w Waker) func() {
	c.note("register")
	if w == nil {
		c.t.Fatalf("%s: that was with a Waker that's nil", c.t.story())
	}
	if len(c.registered) > 0 {
		c.t.Fatalf("%s: %s has a registration already: each of them holds a place, so end the old one first", c.t.story(), c.name)
	}
	c.registered = append(c.registered, w)
	gone := false
	return func() {
		if gone {
			c.t.Fatalf("%s: a registration of %s is ended a second time", c.t.story(), c.name)
		}
		gone = true
		c.t.steps = append(c.t.steps, "leave "+c.name)
		c.registered = slices.DeleteFunc(c.registered, func(other Waker) bool { return w == other })
		c.left++
	}
}

// become makes a case possible, and tells those that are registered.
func (c *testCase) become() {
	c.possible = true
	c.t.steps = append(c.t.steps, c.name+" becomes possible")
	for _, w := range slices.Clone(c.registered) {
		w.Wake()
	}
}

func (t *testTable) story() string {
	story := strings.Join(t.steps[max(0, len(t.steps)-14):], ", ")
	if story == "" {
		return "nothing was tried"
	}
	return story
}

type testWaker struct {
	t     *testTable
	woken int
}

func (w *testWaker) Wake() { w.woken++ }

func testTry(t *testing.T, f func(t *testTable)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestOneIsPossible" {
		t.Skip("not tried: select.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "select.go", testSource)
		f(&testTable{TB: t})
	})
}

// lay makes n cases, a, b, c ..., and a Select of them.
func (t *testTable) lay(n int) Future[int] {
	t.cases, t.steps, t.happy = nil, nil, 0
	var cases []Case
	for i := range n {
		c := &testCase{t: t, name: string(rune('a' + i))}
		t.cases = append(t.cases, c)
		cases = append(cases, c)
	}
	return Select(cases...)
}

func (t *testTable) want(f Future[int], w Waker, what string, index int) {
	t.Helper()
	i, ready := f.Poll(&Context{waker: w})
	if got, want := fmt.Sprintf("%d, %t", i, ready), fmt.Sprintf("%d, %t", max(index, 0), index >= 0); got != want {
		t.Fatalf("%s: Poll returned %s, want %s (steps: %s)", what, got, want, t.story())
	}
}

// wantRegistered wants each case to have so many registrations.
func (t *testTable) wantRegistered(n int, what string) {
	t.Helper()
	for _, c := range t.cases {
		if len(c.registered) != n {
			t.Fatalf("%s, and %s has %d registrations, want %d (steps: %s)", what, c.name, len(c.registered), n, t.story())
		}
	}
}

func TestOneIsPossible(t *testing.T) {
	testTry(t, func(t *testTable) {
		for winner := range 3 {
			f := t.lay(3)
			t.cases[winner].possible = true
			name := t.cases[winner].name
			t.want(f, new(testWaker), name+" is possible", winner)
			for _, c := range t.cases {
				if want := map[bool]int{true: 1}[c.name == name]; c.happened != want {
					t.Fatalf("%s is possible, and %s has happened %d times, want %d (steps: %s)", name, c.name, c.happened, want, t.story())
				}
			}
			t.wantRegistered(0, "a case has happened at the first poll")
		}
	})
}

func TestNothingBeforeThePoll(t *testing.T) {
	testTry(t, func(t *testTable) {
		f := t.lay(3)
		if len(t.steps) > 0 {
			t.Fatalf("Select has done something (%s), and nothing has polled it: a future that's only made does nothing", t.story())
		}
		Close(f)
		Close(f)
		if len(t.steps) > 0 {
			t.Fatalf("a Select was closed before its first poll, and that did something (%s)", t.story())
		}
	})
}

func TestNoneIsPossible(t *testing.T) {
	testTry(t, func(t *testTable) {
		f, w := t.lay(3), new(testWaker)
		t.want(f, w, "no case is possible", -1)
		for _, c := range t.cases {
			if c.tries == 0 {
				t.Fatalf("no case is possible, and %s wasn't tried", c.name)
			}
		}
		t.wantRegistered(1, "no case is possible")
		t.cases[1].become()
		if w.woken == 0 {
			t.Fatalf("b becomes possible, and the waker wasn't called (steps: %s)", t.story())
		}
		t.want(f, w, "b has become possible", 1)
		t.wantRegistered(0, "b has happened")
	})
}

func TestLatestWakerIsCalled(t *testing.T) {
	testTry(t, func(t *testTable) {
		f, first, second := t.lay(3), new(testWaker), new(testWaker)
		t.want(f, first, "no case is possible", -1)
		t.want(f, second, "no case is possible", -1)
		t.wantRegistered(1, "Select was polled twice")
		t.cases[2].become()
		if first.woken > 0 || second.woken == 0 {
			t.Fatalf("Select was polled with two wakers, and when c became possible, the first was called %d times and the second %d times, want 0 and 1 at least: only the latest counts", first.woken, second.woken)
		}
		t.want(f, second, "c has become possible", 2)
	})
}

func TestNoWakeForNothing(t *testing.T) {
	testTry(t, func(t *testTable) {
		f, w := t.lay(2), new(testWaker)
		for range 5 {
			t.want(f, w, "no case is possible", -1)
		}
		if w.woken > 0 {
			t.Fatalf("no case has become possible, and Poll has called its own waker %d times: that's polling in a loop", w.woken)
		}
	})
}

// layBetween makes n cases that aren't nil, and so many nil ones before each of
// them and after the last.
func (t *testTable) layBetween(n, nils int) Future[int] {
	t.lay(n)
	all := make([]Case, nils)
	for _, c := range t.cases {
		all = append(append(all, c), make([]Case, nils)...)
	}
	return Select(all...)
}

// A case becomes possible at any moment: before each step of a Poll, of the first
// or of a later one, which has another waker, or the same.
func TestBecomesPossibleAtAnyMoment(t *testing.T) {
	testTry(t, func(t *testTable) {
		for poll, same := range []bool{false, false, true, true} {
			testBecomesPossible(t, poll+1, same)
		}
	})
}

func testBecomesPossible(t *testTable, poll int, same bool) {
	for n := 1; n <= 3; n++ {
		for moment := range 6 * n {
			for which := range 2 * n {
				nils := which / n // without nil cases, and with some
				which := which % n
				f, w := t.layBetween(n, nils), new(testWaker)
				among := fmt.Sprintf("%d cases that aren't nil, and %d that are", n, (n+1)*nils)
				for range poll - 1 {
					earlier := new(testWaker)
					if same {
						earlier = w
					}
					t.want(f, earlier, fmt.Sprintf("with %s, no case is possible", among), -1)
				}
				t.steps = nil
				t.step = func(n int) {
					if n >= moment {
						t.step = nil
						t.cases[which].become()
					}
				}
				_, ready := f.Poll(&Context{waker: w})
				if t.step != nil {
					t.step = nil
					continue // the Poll has fewer steps
				}
				if !ready && w.woken == 0 && t.cases[which].possible {
					t.Fatalf("with %s, the steps of Poll number %d are: %s. It returned false, and the waker wasn't called: %s is possible, and nothing will ever tell this Select", among, poll, t.story(), t.cases[which].name)
				}
				if !ready {
					t.want(f, w, fmt.Sprintf("with %s: %s has become possible during the Poll before this one", among, t.cases[which].name), nils+which*(nils+1))
				}
				t.wantRegistered(0, "a case has happened")
			}
		}
	}
}

// A Try or a Register panics, and then the executor closes the Select.
func TestPanicInTheMiddle(t *testing.T) {
	testTry(t, func(t *testTable) {
		for polls := 1; polls <= 2; polls++ {
			for moment := range 14 {
				f, w := t.lay(3), new(testWaker)
				if polls == 2 {
					t.want(f, w, "no case is possible", -1)
					t.steps = nil
				}
				what := ""
				t.step = func(n int) {
					if n == moment {
						t.step = nil
						what = fmt.Sprintf("step %d of poll %d panics, after %s", n+1, polls, t.story())
						panic("no tea")
					}
				}
				func() {
					defer func() {
						if v := recover(); v != nil && v != "no tea" {
							panic(v)
						}
					}()
					f.Poll(&Context{waker: w})
				}()
				t.step = nil
				Close(f)
				t.wantRegistered(0, what+"; then the Select was closed")
				Close(f)
			}
		}
	})
}

func TestOnlyOneHappens(t *testing.T) {
	testTry(t, func(t *testTable) {
		for range 100 {
			f := t.lay(4)
			for _, c := range t.cases {
				c.possible = true
			}
			i, ready := f.Poll(&Context{waker: new(testWaker)})
			if !ready || t.cases[i].happened != 1 || t.happy != 1 {
				t.Fatalf("all four cases are possible: Poll returned %d, %t, and %d of them have happened, want the one with this index (steps: %s)", i, ready, t.happy, t.story())
			}
		}
		for range 100 {
			f, w := t.lay(4), new(testWaker)
			t.want(f, w, "no case is possible", -1)
			for _, c := range t.cases {
				c.become()
			}
			i, ready := f.Poll(&Context{waker: w})
			if !ready || t.cases[i].happened != 1 || t.happy != 1 {
				t.Fatalf("all four cases have become possible while it waited: Poll returned %d, %t, and %d of them have happened, want the one with this index (steps: %s)", i, ready, t.happy, t.story())
			}
			t.wantRegistered(0, "a case has happened")
		}
	})
}

func TestSelectIsFair(t *testing.T) {
	testTry(t, func(t *testTable) {
		const rounds = 6000
		for impossible := -1; impossible < 8; impossible++ {
			none := impossible >= 4 // it's nil, and doesn't only wait
			impossible := impossible % 4
			won := make([]int, 4)
			for round := range rounds {
				f, w := t.lay(4), new(testWaker)
				if none {
					cases := []Case{t.cases[0], t.cases[1], t.cases[2], t.cases[3]}
					cases[impossible] = nil
					f = Select(cases...)
				}
				if round%2 == 0 { // half of them wait first
					f.Poll(&Context{waker: w})
				}
				for i, c := range t.cases {
					c.possible = i != impossible
				}
				i, _ := f.Poll(&Context{waker: w})
				won[i]++
			}
			left := 4
			if impossible >= 0 {
				left = 3
			}
			for i, n := range won {
				if share := rounds / left; i != impossible && (n < share*85/100 || n > share*115/100) {
					what := "all four cases are possible"
					if impossible >= 0 {
						what = fmt.Sprintf("%c isn't possible, the other three are", 'a'+impossible)
						if none {
							what = fmt.Sprintf("%c is nil, the other three are possible", 'a'+impossible)
						}
					}
					t.Fatalf("%s, in %d rounds: they have happened %v times, want about %d each: in a loop of selects, a case that loses too often is starved", what, rounds, won, share)
				}
			}
		}
	})
}

// All become possible while Poll registers.
func TestSecondLookIsFair(t *testing.T) {
	testTry(t, func(t *testTable) {
		const rounds = 4000
		won := make([]int, 4)
		for range rounds {
			f, w := t.lay(4), new(testWaker)
			t.step = func(int) {
				for _, c := range t.cases {
					if c.tries == 0 {
						return
					}
				}
				t.step = nil
				for _, c := range t.cases {
					c.become()
				}
			}
			i, ready := f.Poll(&Context{waker: w})
			if !ready {
				i, _ = f.Poll(&Context{waker: w})
			}
			t.step = nil
			won[i]++
		}
		for _, n := range won {
			if n < rounds/4*85/100 || n > rounds/4*115/100 {
				t.Fatalf("all four cases become possible after each was tried once, in %d rounds: they have happened %v times, want about %d each", rounds, won, rounds/4)
			}
		}
	})
}

func TestClosedWhileItWaits(t *testing.T) {
	testTry(t, func(t *testTable) {
		f, w := t.lay(3), new(testWaker)
		t.want(f, w, "no case is possible", -1)
		t.want(f, w, "no case is possible", -1)
		Close(f)
		Close(f)
		t.wantRegistered(0, "a Select that waited was closed")
		for _, c := range t.cases {
			c.become()
		}
		if w.woken > 0 || t.happy > 0 {
			t.Fatalf("a Select was closed, and after that its waker was called %d times, and %d cases have happened", w.woken, t.happy)
		}
	})
	testTry(t, func(t *testTable) {
		f, w := t.lay(3), new(testWaker)
		t.want(f, w, "no case is possible", -1)
		t.cases[0].become()
		t.want(f, w, "a has become possible", 0)
		steps := len(t.steps)
		Close(f)
		if len(t.steps) > steps {
			t.Fatalf("a Select was closed after a case had happened, and that did something: %s", strings.Join(t.steps[steps:], ", "))
		}
	})
}

func TestNilNeverHappens(t *testing.T) {
	testTry(t, func(t *testTable) {
		t.lay(1)
		f, w := Select(nil, t.cases[0], nil), new(testWaker)
		t.want(f, w, "two of three cases are nil, and the other isn't possible", -1)
		t.cases[0].become()
		t.want(f, w, "two of three cases are nil, and the other has become possible", 1)
		for _, f := range []Future[int]{Select(), Select(nil, nil)} {
			for range 3 {
				t.want(f, w, "there's no case that can happen", -1)
			}
			Close(f)
		}
	})
}
