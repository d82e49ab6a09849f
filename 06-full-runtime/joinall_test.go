package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Property 5.
func TestJoinAllKeepsValuesInArgumentOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var futures []Future[int]
		var want []int
		for i := range 10 {
			want = append(want, i)
			futures = append(futures, Async(func(co *Co) int {
				Await(co, NewSleep(time.Duration(i*7%10)*time.Second))
				return i
			}))
		}
		if diff := cmp.Diff(want, blockOn(t, rt, JoinAll(futures...))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Property 5.
func TestJoinAllOfNobodyIsReadyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		if got, ready := JoinAll[int]().Poll(taskContext(rt)); !ready || len(got) != 0 {
			t.Errorf("got %v, %t, want no values, true", got, ready)
		}
	})
}

// Property 3.
func TestFinishedJoinAllIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		j, cx := JoinAll(ready(1)), taskContext(rt)
		j.Poll(cx)
		wantPanic(t, "JoinAll polled after it finished", func() { j.Poll(cx) })
	})
}

// Properties 3 and 27, and what this chapter adds to 5.
func TestJoinAllPollsOnlyWokenChildren(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := make([]int, 100)
		var futures []Future[struct{}]
		for i := range polls {
			futures = append(futures, Counted[struct{}]{NewSleep(time.Duration(i+1) * time.Second), &polls[i]})
		}
		blockOn(t, rt, JoinAll(futures...))
		for i, n := range polls {
			if n != 2 {
				t.Fatalf("child %d was polled %d times, want 2: to start, and when its own time had passed", i, n)
			}
		}
	})
}

// Properties 23 and 26, of a child.
func TestChildWokenDuringItsPollIsPolledAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, JoinAll[struct{}](NewSleep(time.Second), until(func(cx *Context) bool {
			polls++
			cx.Waker().Wake()
			return polls == 3
		})))
	})
}

// Property 22: the waker of the latest poll.
func TestJoinAllThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		j, old := JoinAll(JoinAll[struct{}](NewSleep(time.Hour))), taskContext(rt)
		j.Poll(old)
		blockOn(t, rt, j)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// Property 29: a child that always finds more leaves a turn to its siblings.
func TestBusyChildTakesTurns(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, peer)
	reads := 0
	busy := until(func(cx *Context) bool {
		for {
			if _, _, ready := s.PollRead(cx, make([]byte, 1)); !ready {
				return reads >= 3*transfersPerPoll
			}
			reads++
		}
	})
	blockOn(t, rt, JoinAll[struct{}](NewSleep(time.Millisecond), busy))
}

func TestClosedJoinAllClosesTheUnfinished(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, b := new(never), new(never)
		j := JoinAll[struct{}](a, ready(struct{}{}), b)
		j.Poll(taskContext(rt))
		Close(j)
		Close(j)
		if a.closes != 1 || b.closes != 1 {
			t.Errorf("closed %d and %d times, want once each", a.closes, b.closes)
		}
	})
}

// Property 36: of a loser that was half done, too.
func TestAbandonedJoinAllClosesTheValuesItHas(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		value := new(never)
		j := JoinAll[Result[*never]](ready(Result[*never]{Value: value}), pollFunc[Result[*never]](func(*Context) (r Result[*never], ready bool) {
			return r, false
		}))
		j.Poll(taskContext(rt))
		for range 2 {
			Close(j)
		}
		if value.closes != 1 {
			t.Errorf("closed %d times, want once", value.closes)
		}
	})
}
