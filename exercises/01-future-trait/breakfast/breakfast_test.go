package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must answer at once, also when the answer is no; does something in it wait, or a loop in it never end?"

// A testKitchen whose steps are ready at their n-th poll, and which writes down
// what happens.
type testKitchen struct {
	water string
	n     int
	log   []string
}

func (k *testKitchen) Boil() Future[string] { return k.make("water", k.water) }
func (k *testKitchen) Steep(water string) Future[string] {
	return k.make("tea", "tea from "+water)
}
func (k *testKitchen) Toast() Future[string] { return k.make("toast", "toast") }

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

func (w *testStep) Poll(*Context) (string, bool) {
	w.polls++
	w.kitchen.log = append(w.kitchen.log, "poll "+w.name)
	return map[bool]string{true: w.value}[w.polls >= w.kitchen.n], w.polls >= w.kitchen.n
}

func (w *testStep) Close() error {
	w.kitchen.log = append(w.kitchen.log, "close "+w.name)
	return nil
}

func TestBreakfastWhereNobodyWaits(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKitchen{water: "hot water", n: 1}
		b := NewBreakfast(k)
		if len(k.log) > 0 {
			t.Fatalf("before the first Poll the kitchen has done %q already: a future is lazy", k.log)
		}
		value, ready := b.Poll(new(Context))
		switch last := len(k.log) - 1; {
		case last < 0:
			t.Fatal("breakfast.go is not started: Poll has asked the kitchen for nothing")
		case !ready && strings.HasPrefix(k.log[last], "make "):
			t.Fatalf("every step was ready at once, and Poll returned after %q: the next step was not polled in the Poll that made it; go on until something is pending", k.log[last])
		case !ready || value != "tea from hot water and toast":
			t.Fatalf("every step was ready at once, and the first Poll gave %q, %t, want \"tea from hot water and toast\", true", value, ready)
		}
		testOrder(t, k)
	})
}

// testOrder wants each step to be made once, in the order of the function.
func testOrder(t testing.TB, k *testKitchen) {
	t.Helper()
	tea, toast := slices.Index(k.log, "poll tea"), slices.Index(k.log, "make toast")
	switch {
	case toast >= 0 && (tea < 0 || toast < tea):
		t.Fatalf("the toast was made before the tea: in the function the line with Toast is reached when the tea is there\n%q", k.log)
	case k.said("make water") > 1 || k.said("make tea") > 1 || k.said("make toast") > 1:
		t.Fatalf("a step was made twice: it is made once, and kept in a field until it has finished\n%q", k.log)
	}
}

func TestBreakfastThatWaitsAtEveryStep(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKitchen{water: "hot water", n: 3} // each step is pending twice
		b := NewBreakfast(k)
		for poll := 1; poll <= 7; poll++ {
			before := len(k.log)
			value, ready := b.Poll(new(Context))
			testOrder(t, k)
			for _, name := range []string{"water", "tea", "toast"} {
				if k.said("poll "+name) > 3 {
					t.Fatalf("the %s was ready at its poll 3 and was polled again after it had finished: which step it is has to be kept in a field", name)
				}
			}
			switch did := fmt.Sprintf("%q", k.log[before:]); {
			case poll < 7 && (ready || value != ""):
				t.Fatalf("poll %d gave %q, %t, want \"\", false, as a step is pending. In this poll: %s", poll, value, ready, did)
			case poll == 7 && !ready:
				t.Fatalf("poll 7 gave %q, false: each step is pending twice, so six polls are pending and the seventh is ready. In this poll: %s", value, did)
			case poll == 7 && value != "tea from hot water and toast":
				t.Fatalf("poll 7 gave %q, true, want \"tea from hot water and toast\": what was made in an earlier poll, and is needed now, has to be kept in a field", value)
			}
		}
	})
}

func TestNoWaterNoBreakfast(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKitchen{n: 1}
		value, ready := NewBreakfast(k).Poll(new(Context))
		if !ready || value != "no breakfast" || len(k.log) != 2 {
			t.Errorf("there was no water, and Poll gave %q, %t after %q, want \"no breakfast\", true after [\"make water\" \"poll water\"]", value, ready, k.log)
		}
	})
}

func TestCloseClosesTheStepUnderWay(t *testing.T) {
	for polls, want := range []string{1: "close water", 3: "close tea", 5: "close toast"} {
		if want == "" {
			continue
		}
		check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
			k := &testKitchen{water: "hot water", n: 3}
			b := NewBreakfast(k)
			for poll := range polls {
				if value, ready := b.Poll(new(Context)); ready {
					t.Fatalf("poll %d gave %q, true, and a step was pending: a Poll asks it once, and returns", poll+1, value)
				}
			}
			k.log = nil
			if Close(b); fmt.Sprint(k.log) != "["+want+"]" {
				t.Errorf("abandoned after %d polls, Breakfast did %q, want [%q]: it closes the step that is under way, no other", polls, k.log, want)
			}
		})
	}
}

func TestCloseBeforeTheFirstPollDoesNothing(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		k := &testKitchen{n: 1}
		if Close(NewBreakfast(k)); len(k.log) > 0 {
			t.Errorf("abandoned before its first poll, Breakfast did %q, want nothing: nothing was under way", k.log)
		}
	})
}
