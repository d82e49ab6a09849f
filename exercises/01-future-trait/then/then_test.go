package main

import (
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must answer at once, also when the answer is no; does something in it wait, or loop?"

// testAfter is a future for tests: ready at its n-th poll, and keeps count of
// those that come too late.
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

// A testChain is a Then over two of them, whose second one is made once, if all
// is well.
type testChain struct {
	first, second *testAfter
	calls         []string // what next was called with
	then          *Chained[string, string]
}

func testChainOf(first, second int) *testChain {
	c := &testChain{first: &testAfter{n: first, value: "water"}}
	c.then = Then[string](c.first, func(value string) Future[string] {
		c.calls = append(c.calls, value)
		c.second = &testAfter{n: second, value: "tea from " + value}
		return c.second
	})
	return c
}

func TestThenOfTwoThatAreReady(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		c := testChainOf(1, 1)
		switch value, ready := c.then.Poll(new(Context)); {
		case c.first.polls == 0:
			t.Fatal("then.go is not started: Poll has not polled the first future")
		case len(c.calls) == 0:
			t.Fatal("the first future was ready, and next was not called")
		case c.second.polls == 0:
			t.Fatal("the second future was not polled in the Poll that made it: \"not yet\" was said, and nobody arranged to be asked again; go on until something is pending")
		case !ready || value != "tea from water":
			t.Errorf("both were ready, and Poll gave %q, %t, want \"tea from water\", true", value, ready)
		}
	})
}

func TestNothingIsPolledBeforeTheFirstPoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		if c := testChainOf(1, 1); c.first.polls != 0 || len(c.calls) != 0 {
			t.Errorf("before the first Poll the first future was polled %d times and next called %d times: a future is lazy", c.first.polls, len(c.calls))
		}
	})
}

func TestThenWaitsForOneAfterTheOther(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		c := testChainOf(2, 3) // ready at poll 2, and at poll 4: the second is first asked in poll 2
		for poll := 1; poll <= 4; poll++ {
			value, ready := c.then.Poll(new(Context))
			switch {
			case poll == 1 && len(c.calls) > 0:
				t.Fatalf("next was called with %q while the first future was pending: it has no value yet", c.calls[0])
			case c.first.polls > 2:
				t.Fatalf("at poll %d the first future was polled again after it had finished: its value was given away at poll 2, so what was next has to be kept in a field", poll)
			case len(c.calls) > 1:
				t.Fatalf("at poll %d next was called %d times: the second future is made once, and keeps its place between polls", poll, len(c.calls))
			case poll < 4 && (ready || value != ""):
				t.Fatalf("poll %d gave %q, %t, want \"\", false: one of the two is pending", poll, value, ready)
			case poll == 4 && (!ready || value != "tea from water"):
				t.Fatalf("poll 4 gave %q, %t, want \"tea from water\", true: was each of the two polled once in each Poll in which it was its turn?", value, ready)
			}
		}
	})
}

func TestCloseClosesTheOneUnderWay(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		c := testChainOf(2, 2)
		Close(c.then)
		if c.first.closes != 1 {
			t.Errorf("Then was abandoned before anybody polled it, and the first future was closed %d times, want once: whoever made it has given it to Then", c.first.closes)
		}
		c = testChainOf(2, 2)
		c.then.Poll(new(Context))
		Close(c.then)
		if c.first.closes != 1 {
			t.Errorf("Then was abandoned while the first future was pending, and that was closed %d times, want once", c.first.closes)
		}
		c = testChainOf(1, 2)
		c.then.Poll(new(Context))
		Close(c.then)
		if c.second == nil {
			t.Fatal("the first future was ready, and next was not called")
		}
		if c.first.closes != 0 || c.second.closes != 1 {
			t.Errorf("Then was abandoned while the second future was pending: the first future, which had finished, was closed %d times, want 0; the second future was closed %d times, want 1", c.first.closes, c.second.closes)
		}
	})
}
