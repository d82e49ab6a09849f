package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must answer at once, also when the answer is no; does something in it wait, or loop?"

// testAfter is a future for tests: ready at its n-th poll.
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

func TestJoinAllOfOne(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		a := &testAfter{n: 1, value: "tea"}
		switch values, ready := JoinAll[string](a).Poll(new(Context)); {
		case a.polls == 0:
			t.Fatal("joinall.go is not started: Poll has not polled the one child")
		case !ready || fmt.Sprint(values) != "[tea]":
			t.Errorf("the one child was ready, and Poll gave %q, %t, want [\"tea\"], true", values, ready)
		}
	})
}

func TestNothingIsPolledBeforeTheFirstPoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		a := &testAfter{n: 1}
		if JoinAll[string](a); a.polls != 0 {
			t.Errorf("JoinAll has polled its child %d times before anybody polled JoinAll: a future is lazy", a.polls)
		}
	})
}

// The children finish in the order b, c, a.
func TestEveryUnfinishedChildIsPolledOncePerPoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		children := []*testAfter{{n: 3, value: "a"}, {n: 1, value: "b"}, {n: 2, value: "c"}}
		all := JoinAll[string](children[0], children[1], children[2])
		for poll := 1; poll <= 3; poll++ {
			values, ready := all.Poll(new(Context))
			for i, c := range children {
				switch want := min(poll, c.n); {
				case c.polls > c.n:
					t.Fatalf("child %d was ready at poll %d and was polled again after it had finished: its value is given away once, so keep it, and remember who is done", i, c.n)
				case c.polls != want:
					t.Fatalf("after poll %d of JoinAll child %d was polled %d times, want %d: each Poll asks every child that has not finished, once, whatever the ones before it said", poll, i, c.polls, want)
				}
			}
			if poll < 3 && (ready || values != nil) {
				t.Fatalf("poll %d gave %q, %t, want nil, false: child 0 is pending", poll, values, ready)
			}
			if poll == 3 && !ready {
				t.Fatal("all children have finished at poll 3, and JoinAll is still pending")
			}
			if poll == 3 && fmt.Sprint(values) != "[a b c]" {
				t.Errorf("the values came as %q, want [\"a\" \"b\" \"c\"]: in the order of the arguments, not in the order in which they finished", values)
			}
		}
	})
}

func TestJoinAllOfNobody(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		if values, ready := JoinAll[string]().Poll(new(Context)); !ready || len(values) != 0 {
			t.Errorf("JoinAll of nobody is pending or has values: %q, %t; there is nothing to wait for, so want no values, true", values, ready)
		}
	})
}

func TestCloseReachesUnfinishedChildren(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		done, pending := &testAfter{n: 1}, &testAfter{n: 2}
		all := JoinAll[string](done, pending)
		all.Poll(new(Context))
		Close(all)
		if done.closes != 0 || pending.closes != 1 {
			t.Errorf("JoinAll was abandoned with one child finished and one pending: the finished one was closed %d times, want 0; the pending one %d times, want 1", done.closes, pending.closes)
		}
	})
}
