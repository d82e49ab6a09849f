package main

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// countedWaker counts its wakes.
type countedWaker struct{ wakes atomic.Int64 }

func (w *countedWaker) Wake() { w.wakes.Add(1) }

// wakesAfter lets time pass, and the timers that it brings.
func (w *countedWaker) wakesAfter(d time.Duration) int64 {
	time.Sleep(d)
	synctest.Wait()
	return w.wakes.Load()
}

// Property 26: its wake comes from a goroutine of the Go timer.
func TestSleepEndsAtItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		runToEnd(nil, NewSleep(time.Hour))
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h took %v", got)
		}
	})
}

func TestSleepNeedsTwoPolls(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		polls := 0
		runToEnd(nil, Counted[struct{}]{NewSleep(time.Hour), &polls})
		if polls != 2 {
			t.Errorf("%d polls, want 2: one to start, one when the time has passed", polls)
		}
	})
}

// Property 1.
func TestSleepStartsAtItsFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := NewSleep(time.Hour)
		time.Sleep(time.Hour)
		start := time.Now()
		runToEnd(nil, s)
		if got := time.Since(start); got != time.Hour {
			t.Errorf("it took %v from the first poll, want 1h", got)
		}
	})
}

func TestSleepOfNoTimeIsReadyAtOnce(t *testing.T) {
	for _, d := range []time.Duration{0, -1, -time.Hour} {
		inBubble(t, func(t *testing.T) {
			if _, ready := NewSleep(d).Poll(&Context{waker: new(countedWaker)}); !ready {
				t.Errorf("a Sleep of %v is not ready at its first poll", d)
			}
		})
	}
}

// Property 4.
func TestSleepPolledTooEarlyKeepsItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, s, start := new(countedWaker), NewSleep(time.Hour), time.Now()
		cx := &Context{waker: w}
		for range 59 {
			if _, ready := s.Poll(cx); ready {
				t.Errorf("ready after %v, want 1h", time.Since(start))
			}
			time.Sleep(time.Minute)
		}
		s.Poll(cx)
		if w.wakesAfter(time.Minute-1) != 0 {
			t.Error("it woke too early")
		}
		if w.wakesAfter(1) != 1 {
			t.Errorf("%d wakes when its time had passed, want 1", w.wakes.Load())
		}
		if _, ready := s.Poll(cx); !ready {
			t.Errorf("not ready after %v", time.Since(start))
		}
	})
}

// Property 22.
func TestSleepWakesOnlyLatestWaker(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, early, late := NewSleep(time.Hour), new(countedWaker), new(countedWaker)
		s.Poll(&Context{waker: early})
		s.Poll(&Context{waker: late})
		if late.wakesAfter(time.Hour) != 1 {
			t.Errorf("the waker of the latest poll was woken %d times, want once", late.wakes.Load())
		}
		if early.wakes.Load() != 0 {
			t.Error("the waker of an earlier poll was woken")
		}
	})
}

// Property 22: a future may be polled by hand first, and then by a runtime.
func TestSleepThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := NewSleep(time.Hour)
		s.Poll(&Context{waker: new(countedWaker)})
		runToEnd(nil, s)
	})
}

// Property 18, of a timer.
func TestClosedSleepWakesNobody(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, w := NewSleep(time.Hour), new(countedWaker)
		s.Poll(&Context{waker: w})
		Close(s)
		Close(s)
		if w.wakesAfter(2*time.Hour) != 0 {
			t.Error("its timer woke after Close")
		}
	})
}

func TestSleepMayBeClosedBeforeItsFirstPoll(t *testing.T) {
	if err := Close(NewSleep(time.Hour)); err != nil {
		t.Error(err)
	}
}

// Close of what owns it reaches the timer.
func TestCloseIsForwardedToSleep(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, polls := new(countedWaker), 0
		all := JoinAll[struct{}](Counted[struct{}]{NewSleep(time.Hour), &polls})
		all.Poll(&Context{waker: w})
		Close(all)
		if w.wakesAfter(2*time.Hour) != 0 {
			t.Error("its timer woke after Close of JoinAll")
		}
	})
}

// Property 3.
func TestFinishedSleepPanicsWhenPolled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := NewSleep(time.Hour)
		runToEnd(nil, s)
		defer func() {
			if got, want := recover(), "Sleep polled after it finished"; got != want {
				t.Errorf("the panic says %v, want %q", got, want)
			}
		}()
		s.Poll(&Context{waker: new(countedWaker)})
	})
}

func TestThousandSleepsPassAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var sleeps []Future[struct{}]
		for i := range 1000 {
			sleeps = append(sleeps, NewSleep(time.Duration(i%100)*time.Second))
		}
		start := time.Now()
		runToEnd(nil, JoinAll(sleeps...))
		if got := time.Since(start); got != 99*time.Second {
			t.Errorf("1,000 sleeps of up to 99s took %v, want 99s", got)
		}
	})
}
