package main

import (
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed breakfast.go
var testSource string

const testWaits = "Poll answers at once, also when the answer is no; does it sleep, or does a loop in it never end?"

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

// A testKitchen whose steps are ready at their n-th poll, and which writes down
// what happens. Its words are others in each run, and some of them are the kind
// that fmt would take for a verb.
type testKitchen struct {
	water, tea, toast string
	n                 int
	log               []string
	err               error  // of each Close
	leaves            string // the step whose Poll doesn't return
	leave             func()
	closing           func() // in each Close, if not nil
}

func testKitchenOf(number, n int) *testKitchen {
	return &testKitchen{water: "water %v " + fmt.Sprint(number), tea: "100% tea " + fmt.Sprint(number), toast: "%s toast " + fmt.Sprint(number+1), n: n}
}

func (k *testKitchen) Boil() Future[string] { return k.make("water", k.water) }
func (k *testKitchen) Steep(water string) Future[string] {
	return k.make("tea", k.tea+" from "+water)
}
func (k *testKitchen) Toast() Future[string] { return k.make("toast", k.toast) }

func (k *testKitchen) want() string { return k.tea + " from " + k.water + " and " + k.toast }

func (k *testKitchen) make(name, value string) Future[string] {
	k.log = append(k.log, "make "+name)
	return &testStep{kitchen: k, name: name, value: value}
}

// said counts the lines of the log that say this.
func (k *testKitchen) said(what string) (n int) {
	for _, line := range k.log {
		if line == what {
			n++
		}
	}
	return n
}

type testStep struct {
	kitchen     *testKitchen
	name, value string
	polls       int
}

func (w *testStep) Poll(cx *Context) (string, bool) {
	w.polls++
	w.kitchen.log = append(w.kitchen.log, "poll "+w.name)
	if w.name == w.kitchen.leaves && w.name != "" {
		w.kitchen.leave()
	}
	if cx != testNow {
		w.kitchen.log = append(w.kitchen.log, "no Context")
	}
	return map[bool]string{true: w.value}[w.polls >= w.kitchen.n], w.polls >= w.kitchen.n
}

func (w *testStep) Close() error {
	w.kitchen.log = append(w.kitchen.log, "close "+w.name)
	if w.kitchen.closing != nil {
		w.kitchen.closing()
	}
	return w.kitchen.err
}

func TestBreakfastWhereEverythingIsReady(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "breakfast.go", testSource)
		k := testKitchenOf(random.IntN(1000), 1)
		value, ready := NewBreakfast(k).Poll(testContext())
		switch last := len(k.log) - 1; {
		case last < 0:
			t.Fatal("Poll has asked the kitchen for nothing")
		case !ready && strings.HasPrefix(k.log[last], "make "):
			t.Fatalf("every step was ready at once, and Poll returned after %q: the next step was not polled in the Poll that made it; go on until something is pending", k.log[last])
		case !ready || value != k.want():
			t.Fatalf("every step was ready at once, and the first Poll gave %q, %t, want %q, true", value, ready, k.want())
		}
		testOrder(t, k)
	})
}

// testOrder wants each step to be made once, in the order of the function.
func testOrder(t testing.TB, k *testKitchen) {
	t.Helper()
	tea, toast := slices.Index(k.log, "make tea"), slices.Index(k.log, "make toast")
	if toast >= 0 && (tea < 0 || toast < tea || k.said("poll tea") < k.n) {
		t.Fatalf("the toast was made before the tea was ready: the function reaches the line with Toast when the tea is there\n%q", k.log)
	}
	if tea >= 0 && k.said("poll water") < k.n {
		t.Fatalf("the tea was made before the water was ready\n%q", k.log)
	}
	for _, name := range []string{"water", "tea", "toast"} {
		if k.said("make "+name) > 1 {
			t.Fatalf("the %s was made twice: a step is made once, and kept in a field until it has finished\n%q", name, k.log)
		}
	}
}

// A kitchen may deliver anything.
func TestOddBreakfast(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		words := []string{"", " ", "%", "%s", "%!d(", "\x00", "\n", " and ", "no breakfast", "\\", "$1"}
		for i, tea := range words {
			for j, toast := range words {
				k := &testOddKitchen{water: words[1:][(i+j)%(len(words)-1)], tea: tea, toast: toast, n: 1 + (i+j)%2}
				b, value, ready := NewBreakfast(k), "", false
				for poll := 0; poll < 6 && !ready; poll++ {
					value, ready = b.Poll(testContext())
				}
				if want := tea + " and " + toast; value != want || !ready {
					t.Fatalf("the kitchen delivered %q for water, %q for tea and %q for toast, and Poll gave %q, %t, want %q, true: that's what the function returns then, because only \"\" is no water, and the words are taken as they are", k.water, tea, toast, value, ready, want)
				}
			}
		}
	})
}

type testOddKitchen struct {
	water, tea, toast string
	n                 int
}

func (k *testOddKitchen) Boil() Future[string]        { return k.make(k.water) }
func (k *testOddKitchen) Steep(string) Future[string] { return k.make(k.tea) }
func (k *testOddKitchen) Toast() Future[string]       { return k.make(k.toast) }
func (k *testOddKitchen) make(value string) Future[string] {
	return &testStep{kitchen: &testKitchen{n: k.n}, value: value}
}

func TestBreakfastIsLazy(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		k := testKitchenOf(1, 1)
		b := NewBreakfast(k)
		defer Close(b)
		if len(k.log) > 0 {
			t.Fatalf("before the first Poll the kitchen has done %q already: a future is lazy", k.log)
		}
	})
}

func TestBreakfastThatWaitsAtEveryStep(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		k := testKitchenOf(random.IntN(1000), 2+random.IntN(4)) // each step is pending n-1 times
		b, last := NewBreakfast(k), 3*(k.n-1)+1
		for poll := 1; poll <= last; poll++ {
			before := len(k.log)
			value, ready := b.Poll(testContext())
			testOrder(t, k)
			did := k.log[before:]
			for _, name := range []string{"water", "tea", "toast"} {
				if k.said("poll "+name) > k.n {
					t.Fatalf("the %s was ready at its poll %d and was polled again after it had finished: which step it is has to be kept in a field", name, k.n)
				}
				if n := strings.Count(strings.Join(did, "|"), "poll "+name); n > 1 {
					t.Fatalf("the %s was polled %d times in one Poll, want once: its answer was \"not yet\"", name, n)
				}
			}
			switch {
			case k.said("no Context") > 0:
				t.Fatal("a step was polled without the Context that Poll got: pass it on")
			case poll < last && (ready || value != ""):
				t.Fatalf("poll %d gave %q, %t, want \"\", false, because a step is pending. In this poll: %q", poll, value, ready, did)
			case poll == last && !ready:
				t.Fatalf("poll %d gave %q, false: each of three steps is pending for %d polls, and this is the poll after them. In this poll: %q", poll, value, k.n-1, did)
			case poll == last && value != k.want():
				t.Fatalf("poll %d gave %q, true, want %q: what was made in an earlier poll, and is needed now, has to be kept in a field", poll, value, k.want())
			}
		}
	})
}

func TestTwoBreakfasts(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		a, b := testKitchenOf(1, 2), testKitchenOf(100, 2)
		first, second := NewBreakfast(a), NewBreakfast(b)
		for poll := 1; poll <= 4; poll++ {
			for i, f := range []*Breakfast{first, second} {
				value, ready := f.Poll(testContext())
				if want := []*testKitchen{a, b}[i].want(); poll == 4 && (value != want || !ready) {
					t.Fatalf("two breakfasts were polled in turns, and at its poll 4 number %d gave %q, %t, want %q, true: each needs fields of its own", i+1, value, ready, want)
				}
			}
		}
	})
}

func TestNoWaterNoBreakfast(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for n := 1; n <= 2; n++ {
			k := testKitchenOf(1, n)
			k.water = ""
			b := NewBreakfast(k)
			value, ready := b.Poll(testContext())
			if n == 2 && !ready {
				value, ready = b.Poll(testContext())
			}
			if !ready || value != "no breakfast" || k.said("make tea")+k.said("make toast") > 0 {
				t.Fatalf("there was no water, at poll %d, and Poll gave %q, %t after %q, want \"no breakfast\", true, and nothing made but the water", n, value, ready, k.log)
			}
		}
	})
}

func TestCloseClosesTheStepUnderWay(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for i, name := range []string{"water", "tea", "toast"} {
			k := testKitchenOf(1, 3)
			k.err = errors.New("the " + name + " is too hot")
			b := NewBreakfast(k)
			for range 2*i + 1 {
				b.Poll(testContext())
			}
			k.log = nil
			err := Close(b)
			if fmt.Sprint(k.log) != "[close "+name+"]" {
				t.Fatalf("closed after %d polls, while the %s was under way, Breakfast did %q, want [\"close %s\"]: it closes the step that's under way, no other", 2*i+1, name, k.log, name)
			}
			if !errors.Is(err, k.err) {
				t.Fatalf("the %s failed to close, and Close of Breakfast returned %v, want its error, %q", name, err, k.err)
			}
		}
	})
}

func TestSecondCloseAfterAnError(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for i, name := range []string{"water", "tea", "toast"} {
			k := testKitchenOf(1, 3)
			k.err = errors.New("the " + name + " is too hot")
			b := NewBreakfast(k)
			for range 2*i + 1 {
				b.Poll(testContext())
			}
			Close(b)
			k.log = nil
			if err := Close(b); len(k.log) > 0 {
				t.Fatalf("the %s failed to close, Breakfast was closed once more, and did %q, want nothing: also after a Close that failed, nothing is under way", name, k.log)
			} else if err != nil {
				t.Fatalf("the %s failed to close, and the second Close returned %q, want nil: nothing is under way, so nothing can fail", name, err)
			}
		}
	})
}

func TestCloseWithNothingUnderWay(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for _, n := range []int{1, 3} { // polls that a step takes
			for _, water := range []string{"water", ""} {
				k := testKitchenOf(1, n)
				k.water, k.err = water, errors.New("too hot to close")
				testClosesNothing(t, k, NewBreakfast(k), "before its first poll")
				b, ready := NewBreakfast(k), false
				for poll := 0; poll < 3*n && !ready; poll++ {
					_, ready = b.Poll(testContext())
				}
				testClosesNothing(t, k, b, fmt.Sprintf("after it was ready, of the water %q", water))
				testClosesNothing(t, k, b, fmt.Sprintf("twice after it was ready, of the water %q", water))
			}
		}
		k := testKitchenOf(1, 3)
		b := NewBreakfast(k)
		b.Poll(testContext())
		Close(b)
		testClosesNothing(t, k, b, "once more after a Close")
		testClosesNothing(t, k, b, "a third time")
	})
}

func testClosesNothing(t testing.TB, k *testKitchen, b *Breakfast, when string) {
	t.Helper()
	k.log, k.closing = nil, nil
	if err := Close(b); len(k.log) > 0 || err != nil {
		t.Fatalf("Breakfast was closed %s, did %q and returned %v, want nothing done and nil: nothing was under way", when, k.log, err)
	}
}

// Polls aren't time, so a step may be pending for as many as you like.
func TestSlowBreakfast(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		k := testKitchenOf(random.IntN(1000), 66_000+random.IntN(4000))
		b := NewBreakfast(k)
		for i, name := range []string{"water", "tea", "toast"} {
			for poll := 1; poll < k.n; poll++ {
				k.log = nil
				if value, ready := b.Poll(testContext()); value != "" || ready {
					t.Fatalf("poll %d gave %q, %t, and the %s was pending, want \"\", false: a future waits, however many polls that takes", i*(k.n-1)+poll, value, ready, name)
				}
				want := []string{"poll " + name}
				if poll == 1 {
					want = [][]string{
						{"make water", "poll water"},
						{"poll water", "make tea", "poll tea"},
						{"poll tea", "make toast", "poll toast"},
					}[i]
				}
				if !slices.Equal(k.log, want) {
					t.Fatalf("the %s was pending, and poll %d did %q, want %q: nothing else can be done meanwhile", name, i*(k.n-1)+poll, k.log, want)
				}
			}
		}
		if value, ready := b.Poll(testContext()); value != k.want() || !ready {
			t.Fatalf("each step was pending for %d polls, and the next poll gave %q, %t, want %q, true", k.n-1, value, ready, k.want())
		}
	})
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

// testHow are two ways to leave a function in its middle.
var testHow = []struct {
	what  string
	leave func()
}{
	{"panicked", func() { panic("no bread") }},
	{"called runtime.Goexit, as t.FailNow does,", runtime.Goexit},
}

// A testBrokenKitchen leaves when it's asked for this step.
type testBrokenKitchen struct {
	*testKitchen
	broken string
	leave  func()
}

func (k *testBrokenKitchen) asked(name string) {
	if k.broken == name {
		k.leave()
	}
}

func (k *testBrokenKitchen) Boil() Future[string] {
	k.asked("water")
	return k.testKitchen.Boil()
}

func (k *testBrokenKitchen) Steep(water string) Future[string] {
	k.asked("tea")
	return k.testKitchen.Steep(water)
}

func (k *testBrokenKitchen) Toast() Future[string] {
	k.asked("toast")
	return k.testKitchen.Toast()
}

// Rule 5: Close is safe also after Poll panicked.
func TestCloseAfterTheKitchenPanicked(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for i, broken := range []string{"water", "tea", "toast"} {
			for n := range 4 {
				how := testHow[n%2]
				k := &testBrokenKitchen{testKitchenOf(1, 1+n/2), broken, how.leave}
				b := NewBreakfast(k)
				left := testLeaves(func() {
					for range i*(k.n-1) + 1 {
						b.Poll(testContext())
					}
				})
				k.log = nil
				if err := Close(b); !left {
					t.Fatalf("the kitchen %s when it was asked for the %s, and Poll returned: let the caller see that", how.what, broken)
				} else if len(k.log) > 0 || err != nil {
					t.Fatalf("the kitchen %s when it was asked for the %s, Breakfast was closed, did %q and returned %v, want nothing done and nil: what came before had finished, so forget it before you call what may not return", how.what, broken, k.log, err)
				}
			}
		}
	})
}

// A step whose Poll panicked hasn't finished, so it's still under way.
func TestCloseAfterAStepPanicked(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for i, name := range []string{"water", "tea", "toast"} {
			for _, how := range testHow {
				k := testKitchenOf(1, 2)
				k.leaves, k.leave, k.err = name, how.leave, errors.New("too hot to close")
				b := NewBreakfast(k)
				left := testLeaves(func() {
					for range i + 1 {
						b.Poll(testContext())
					}
				})
				k.log = nil
				if err := Close(b); !left {
					t.Fatalf("the %s %s in its Poll, and Poll of Breakfast returned: let the caller see that", name, how.what)
				} else if fmt.Sprint(k.log) != "[close "+name+"]" || !errors.Is(err, k.err) {
					t.Fatalf("the %s %s in its Poll, then Breakfast was closed, did %q and returned %v, want [\"close %s\"] and its error: such a step hasn't finished", name, how.what, k.log, err, name)
				}
				testClosesNothing(t, k, b, "once more after a Close")
			}
		}
	})
}

// So Close forgets the step before it calls what may not return.
func TestSecondCloseAfterOneThatPanicked(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for n := range 6 {
			name, how, k := []string{"water", "tea", "toast"}[n/2], testHow[n%2], testKitchenOf(1, 2)
			k.closing = how.leave
			b := NewBreakfast(k)
			for range n/2 + 1 {
				b.Poll(testContext())
			}
			testLeaves(func() { Close(b) })
			testClosesNothing(t, k, b, fmt.Sprintf("once more after a Close in which the Close of the %s %s", name, how.what))
		}
	})
}

// A testTwin is a value, so two of them are equal. Each is ready at its second poll.
type testTwin struct{ polls, closes *int }

func (w testTwin) Poll(*Context) (string, bool) {
	*w.polls++
	return map[bool]string{true: "x"}[*w.polls%2 == 0], *w.polls%2 == 0
}
func (w testTwin) Close() error { *w.closes++; return nil }

// A testSliced is one that == can't compare: it panics.
type testSliced struct {
	testTwin
	_ []int
}

// A testTwinKitchen makes three steps that are the same to ==.
type testTwinKitchen struct{ step Future[string] }

func (k testTwinKitchen) Boil() Future[string]        { return k.step }
func (k testTwinKitchen) Steep(string) Future[string] { return k.step }
func (k testTwinKitchen) Toast() Future[string]       { return k.step }

func TestCloseOfEqualSteps(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for n := range 8 {
			twin, polls, what := testTwin{new(int), new(int)}, 1+n%4, "equal values (structs, not pointers)"
			k := testTwinKitchen{twin}
			if n >= 4 {
				k.step, what = testSliced{testTwin: twin}, "structs with a slice, which can't be compared"
			}
			b := NewBreakfast(k)
			for range polls {
				b.Poll(testContext())
			}
			if Close(b); *twin.closes != min(4-polls, 1) {
				t.Fatalf("all three steps were %s, Breakfast was closed after %d of 4 polls, and closed %d steps, want %d: whether a step has finished can't be seen from a comparison with another, so remember it", what, polls, *twin.closes, min(4-polls, 1))
			}
		}
	})
}
