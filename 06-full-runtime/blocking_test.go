package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// Property 2.
func TestBlockingCallHoldsUpNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := Spawn(rt, Blocking(func() string { time.Sleep(time.Hour); return "slow" }))
		start := time.Now()
		blockOn(t, rt, NewSleep(time.Second))
		fast := time.Since(start)
		if got := blockOn(t, rt, h); got.Value != "slow" || fast != time.Second || time.Since(start) != time.Hour {
			t.Errorf("another task took %v, want 1s; the call yields %q after %v, want slow after 1h", fast, got.Value, time.Since(start))
		}
	})
}

// Property 1.
func TestBlockingCallStartsAtTheFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		started := false
		Blocking(func() int { started = true; return 1 })
		synctest.Wait()
		if started {
			t.Error("it started before the first poll")
		}
	})
}

// Property 22.
func TestBlockingCallWakesItsLatestOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, old := Blocking(func() int { time.Sleep(time.Hour); return 1 }), taskContext(rt)
		c.Poll(old)
		blockOn(t, rt, c)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// Property 3.
func TestFinishedCallIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Blocking(func() int { return 1 })
		blockOn(t, rt, c)
		wantPanic(t, "Blocking polled after it finished", func() { c.Poll(taskContext(rt)) })
	})
}

// Property 31: calls under way are counted, and only they.
func TestCallIsNotUnderWayOnceItsValueIsSeen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		cx, underWay := taskContext(rt), make(chan int, 1)
		cx.waker = wakeFunc(func() { underWay <- rt.Report().Blocking })
		Blocking(func() int { time.Sleep(time.Hour); return 1 }).Poll(cx)
		if n := <-underWay; n != 0 {
			t.Errorf("the value is there, and %d calls are under way", n)
		}
	})
}

// Property 36: it runs on, but wakes nobody.
func TestAbandonedCallWakesNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		h := Spawn(rt, Race(Blocking(func() int { time.Sleep(time.Hour); return 1 }), NewSleep(time.Minute)))
		loser := Blocking(func() int { time.Sleep(time.Hour); return 1 })
		Spawn(rt, Async(func(co *Co) int {
			Await(co, Race(loser, NewSleep(time.Minute)))
			Await(co, Counted[struct{}]{new(never), &polls})
			return 1
		}))
		blockOn(t, rt, h)
		blockOn(t, rt, NewSleep(2*time.Hour))
		if polls != 1 {
			t.Errorf("its former task was polled %d times, want once: nothing woke it", polls)
		}
	})
}

// Property 31.
func TestCallThatOutlivesTheRuntimeIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		Spawn(rt, Blocking(func() int { time.Sleep(time.Hour); return 1 }))
		blockOn(t, rt, NewSleep(time.Minute))
		if got := rt.Close(); got != (Report{Blocking: 1}) {
			t.Errorf("Close reports %+v, want one call", got)
		}
		time.Sleep(time.Hour) // its wake comes after all
		synctest.Wait()
	})
}
