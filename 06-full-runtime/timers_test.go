package main

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Property 34.
func TestSleepEndsAtItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start, polls := time.Now(), 0
		blockOn(t, rt, Counted[struct{}]{NewSleep(time.Hour), &polls})
		if got := time.Since(start); got != time.Hour || polls != 2 {
			t.Errorf("a Sleep of 1h took %v and %d polls, want 2: to start, and at its time", got, polls)
		}
	})
}

// Property 34, of the kernel's clock.
func TestSleepNeverEndsEarly(t *testing.T) {
	rt := openRuntime(t)
	for d := time.Microsecond; d < 5*time.Millisecond; d += 271 * time.Microsecond {
		start := time.Now()
		blockOn(t, rt, NewSleep(d))
		if got := time.Since(start); got < d {
			t.Errorf("a Sleep of %v took %v", d, got)
		}
	}
}

// Property 34.
func TestSleepOfNoTimeIsReadyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for _, d := range []time.Duration{0, -1, math.MinInt64} {
			if _, ready := NewSleep(d).Poll(taskContext(rt)); !ready {
				t.Errorf("a Sleep of %v is not ready at its first poll", d)
			}
		}
	})
}

// Property 34: its deadline does not fit into a time.Duration.
func TestLongestSleepDoesNotEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		time.Sleep(time.Hour)
		h := Spawn(rt, NewSleep(math.MaxInt64))
		blockOn(t, rt, NewSleep(24*365*time.Hour))
		if h.task.done {
			t.Error("it was over within a year")
		}
	})
}

// Property 34: nor does the kernel's timeout.
func TestLongestSleepDoesNotBreakTheWait(t *testing.T) {
	rt, parks := openRuntime(t), 0
	rt.Trace.Park = func() { parks++ }
	Spawn(rt, NewSleep(math.MaxInt64))
	polls := 0
	blockOn(t, rt, until(func(cx *Context) bool {
		if polls++; polls == 1 {
			time.AfterFunc(20*time.Millisecond, cx.Waker().Wake)
		}
		return polls == 2
	}))
	if parks > 2 {
		t.Errorf("the runtime lay down %d times before it was woken, want once", parks)
	}
}

// Property 1.
func TestSleepStartsAtItsFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := NewSleep(time.Hour)
		time.Sleep(time.Hour)
		start := time.Now()
		blockOn(t, rt, s)
		if got := time.Since(start); got != time.Hour {
			t.Errorf("it took %v from the first poll, want 1h", got)
		}
	})
}

// Property 4.
func TestSleepPolledTooEarlyKeepsItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, start := NewSleep(time.Hour), time.Now()
		blockOn(t, rt, Race(s, until(func(cx *Context) bool {
			time.AfterFunc(time.Minute, cx.Waker().Wake)
			return false
		})))
		synctest.Wait()
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h, polled every minute, took %v", got)
		}
	})
}

// Property 22: a future may be polled by one task first, and then by another.
func TestSleepThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, old := NewSleep(time.Hour), taskContext(rt)
		s.Poll(old)
		blockOn(t, rt, s)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// Property 3.
func TestFinishedSleepPanicsWhenPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := NewSleep(time.Second)
		blockOn(t, rt, s)
		wantPanic(t, "Sleep polled after it finished", func() { s.Poll(taskContext(rt)) })
	})
}

// Property 34.
func TestEqualDeadlinesFireInOrderOfCreation(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got, want []int
		for i := range 100 {
			want = append(want, i)
			Spawn(rt, Async(func(co *Co) struct{} {
				Await(co, NewSleep(time.Second))
				got = append(got, i)
				return struct{}{}
			}))
		}
		blockOn(t, rt, NewSleep(time.Minute))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-created +fired):\n%s", diff)
		}
	})
}

// Of many that are due the rest fires later, and the ready queue stays short.
func TestTimersThatAreDueFireInBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var fired []int
		for i := range 5 {
			rt.timers.add(new(timer), time.Second, wakeFunc(func() { fired = append(fired, i) }))
		}
		time.Sleep(time.Second)
		var batches [][]int
		for rt.timers.untilNext() == 0 {
			rt.timers.fire(new(Trace), 2)
			batches, fired = append(batches, fired), nil
		}
		if diff := cmp.Diff([][]int{{0, 1}, {2, 3}, {4}}, batches); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Property 34: however far away its deadline is.
func TestClosedSleepLeavesTheHeapAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var sleeps []*Sleep
		for i := range 100 {
			s := NewSleep(time.Duration(1+i*37%100) * time.Hour)
			s.Poll(taskContext(rt))
			sleeps = append(sleeps, s)
		}
		for i, s := range sleeps {
			s.Close()
			s.Close()
			if got, want := rt.Report().Timers, len(sleeps)-i-1; got != want {
				t.Fatalf("%d timers after %d of %d were closed, want %d", got, i+1, len(sleeps), want)
			}
		}
	})
}

// A timer that fires may end another one of the same moment.
func TestSleepMayBeClosedByAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, b := NewSleep(time.Hour), NewSleep(time.Hour)
		cx := taskContext(rt)
		cx.waker = wakeFunc(func() { b.Close() })
		a.Poll(cx)
		late := taskContext(rt)
		b.Poll(late)
		blockOn(t, rt, NewSleep(2*time.Hour))
		if wakesOf(late) != 0 {
			t.Error("the second was closed by the first, and fired")
		}
	})
}

func TestSleepMayBeClosedBeforeItsFirstPoll(t *testing.T) {
	if err := Close(NewSleep(time.Hour)); err != nil {
		t.Error(err)
	}
}

func TestTraceTellsOfEveryTimer(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		fired := 0
		rt.Trace.Timer = func() { fired++ }
		blockOn(t, rt, JoinAll[struct{}](NewSleep(1), NewSleep(2), NewSleep(2)))
		if fired != 3 {
			t.Errorf("told of %d timers, want 3", fired)
		}
	})
}
