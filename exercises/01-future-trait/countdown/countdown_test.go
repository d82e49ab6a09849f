package main

import (
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must answer at once, also when the answer is no; does something in it wait, or loop?"

func TestReady(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		var f Future[string] = &Ready[string]{Value: "tea"}
		value, ready := f.Poll(new(Context))
		if !ready {
			t.Fatalf("countdown.go is not started: Ready{tea} must give \"tea\", true at its first poll, and gave %q, false", value)
		}
		if value != "tea" {
			t.Errorf("Ready{tea} gave %q, true; where is its value?", value)
		}
	})
}

func TestReadyOfAnotherType(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		if value, ready := (&Ready[int]{Value: 42}).Poll(new(Context)); value != 42 || !ready {
			t.Errorf("Ready{42} gave %d, %t, want 42, true", value, ready)
		}
	})
}

func TestCountdown(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		c := &Countdown{Left: 2, Value: "tea"}
		for poll := 1; poll <= 2; poll++ {
			testPending(t, c, poll)
		}
		value, ready := c.Poll(new(Context))
		if !ready {
			t.Fatalf("Countdown{2, tea} is still pending at poll 3: two polls said \"not yet\", so the third has the value; Left is now %d, is it counted down where the next poll sees it?", c.Left)
		}
		if value != "tea" {
			t.Errorf("Countdown{2, tea} gave %q, true; where is its value?", value)
		}
	})
}

// testPending polls c, which has to be pending still.
func testPending(t testing.TB, c *Countdown, poll int) {
	t.Helper()
	switch value, ready := c.Poll(new(Context)); {
	case ready:
		t.Fatalf("Countdown{2, tea} was ready at poll %d, it must be pending for two polls; each call of Poll may count one poll, no more", poll)
	case value != "":
		t.Fatalf("Countdown{2, tea} gave %q, false at poll %d: while it is pending the value is the zero value, since a caller may look at it by mistake", value, poll)
	}
}

func TestCountdownOfNothing(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		if value, ready := (&Countdown{Value: "toast"}).Poll(new(Context)); value != "toast" || !ready {
			t.Errorf("Countdown{0, toast} gave %q, %t at its first poll, want \"toast\", true: there is nothing to wait for", value, ready)
		}
	})
}

func TestCountdownsDoNotShare(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		a, b := &Countdown{Left: 2, Value: "tea"}, &Countdown{Left: 2, Value: "toast"}
		testPending(t, a, 1)
		testPending(t, a, 2)
		if _, ready := b.Poll(new(Context)); ready {
			t.Error("a second Countdown was ready at its first poll, after another one had been polled: each counts for itself")
		}
	})
}
