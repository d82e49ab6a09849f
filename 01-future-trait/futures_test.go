package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// after is a future for tests. It's ready at its n-th poll, and panics if it's
// polled once more.
type after struct {
	n      int
	value  string
	polls  int
	closes int
}

func (a *after) Poll(*Context) (string, bool) {
	a.polls++
	if a.polls > a.n {
		panic("polled after it finished")
	}
	if a.polls < a.n {
		return "", false
	}
	return a.value, true
}

func (a *after) Close() error {
	a.closes++
	return nil
}

// Property 1.
func TestNothingHappensBeforeTheFirstPoll(t *testing.T) {
	a := &after{n: 1}
	JoinAll[string](a)
	if a.polls != 0 {
		t.Errorf("before the first Poll, the child was polled %d times, want none", a.polls)
	}
}

// Property 2.
func TestPollReturnsWhileChildrenWait(t *testing.T) {
	a, b := &after{n: 3}, &after{n: 3}
	if _, ready := JoinAll[string](a, b).Poll(nil); ready || a.polls != 1 || b.polls != 1 {
		t.Errorf("one Poll of JoinAll polled its children %d and %d times (ready: %t), want once each and not ready", a.polls, b.polls, ready)
	}
}

// Property 3.
func TestFinishedFutureIsNotPolledAgain(t *testing.T) {
	if got := runOne[string](t, &after{n: 1, value: "tea"}); got != "tea" {
		t.Errorf("got %q, want tea", got)
	}
}

// Property 3.
func TestJoinAllPolledAfterItFinishedPanics(t *testing.T) {
	all := JoinAll[string](&after{n: 1})
	all.Poll(nil)
	defer func() {
		if got, want := recover(), "JoinAll polled after it finished"; got != want {
			t.Errorf("Poll panics with %v, want %q", got, want)
		}
	}()
	all.Poll(nil)
}

// Property 4.
func TestPollingTooEarlyLosesNothing(t *testing.T) {
	all := JoinAll[string](&after{n: 1, value: "toast"}, &after{n: 100, value: "tea"})
	for range 99 {
		if _, ready := all.Poll(nil); ready {
			t.Fatal("JoinAll is ready before the tea is")
		}
	}
	got, _ := all.Poll(nil)
	if diff := cmp.Diff([]string{"toast", "tea"}, got); diff != "" {
		t.Errorf("values of JoinAll (-want +got):\n%s", diff)
	}
}

// Properties 3 and 5.
func TestJoinAllPollsEveryUnfinishedChild(t *testing.T) {
	a, b, c := &after{n: 3}, &after{n: 1}, &after{n: 2}
	all := JoinAll[string](a, b, c)
	var got [][3]int
	for range 3 {
		all.Poll(nil)
		got = append(got, [3]int{a.polls, b.polls, c.polls})
	}
	if diff := cmp.Diff([][3]int{{1, 1, 1}, {2, 1, 2}, {3, 1, 2}}, got); diff != "" {
		t.Errorf("polls of each child after each round (-want +got):\n%s", diff)
	}
}

// Property 5.
func TestLastToFinishDoesNotComeLast(t *testing.T) {
	all := JoinAll[string](&after{n: 3, value: "a"}, &after{n: 1, value: "b"}, &after{n: 2, value: "c"})
	all.Poll(nil)
	all.Poll(nil)
	got, ready := all.Poll(nil)
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" || !ready {
		t.Errorf("ready: %t, want true; values of JoinAll (-want +got):\n%s", ready, diff)
	}
}

// Property 5.
func TestJoinAllOfNothingIsReadyAtOnce(t *testing.T) {
	if got, ready := JoinAll[string]().Poll(nil); !ready || len(got) != 0 {
		t.Errorf("JoinAll of nothing gives %q, %t, want no values and true", got, ready)
	}
}

// Property 6.
func TestValueIsZeroUntilReady(t *testing.T) {
	all := JoinAll[string](&after{n: 1, value: "toast"}, &after{n: 2})
	if got, ready := all.Poll(nil); ready || got != nil {
		t.Errorf("JoinAll gives %q, %t, want nil and false while a child is pending", got, ready)
	}
}

func TestCloseReachesUnfinishedChildren(t *testing.T) {
	done, pending := &after{n: 1}, &after{n: 2}
	all := JoinAll[string](done, pending)
	all.Poll(nil)
	for range 2 {
		Close(all)
	}
	if done.closes != 0 || pending.closes != 1 {
		t.Errorf("the finished child was closed %d times and the pending one %d times, want 0 and 1", done.closes, pending.closes)
	}
}

func TestCloseOfAValueWithoutCloseDoesNothing(t *testing.T) {
	if err := Close("tea"); err != nil {
		t.Error(err)
	}
}
