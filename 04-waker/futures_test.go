package main

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
	a, polls := &after{n: 1}, 0
	JoinAll[string](Counted[string](a, &polls))
	if a.polls != 0 || polls != 0 {
		t.Errorf("before the first Poll, the child was polled %d times and Counted says %d, want none", a.polls, polls)
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
	polls := 0
	all := Counted[[]string](JoinAll[string](&after{n: 1, value: "toast"}, &after{n: 2}), &polls)
	if got, ready := all.Poll(nil); ready || got != nil {
		t.Errorf("JoinAll gives %q, %t, want nil and false while a child is pending", got, ready)
	}
}

func TestCountedCountsEveryPoll(t *testing.T) {
	polls := 0
	f := Counted[string](&after{n: 3, value: "tea"}, &polls)
	for want := 1; want <= 3; want++ {
		if value, ready := f.Poll(nil); polls != want || ready != (value == "tea") {
			t.Errorf("poll %d gives %q, %t, and Counted says %d polls, want each counted, and tea at the third", want, value, ready, polls)
		}
	}
}

func TestCloseReachesUnfinishedChildren(t *testing.T) {
	done, pending, polls := &after{n: 1}, &after{n: 2}, 0
	all := JoinAll[string](done, Counted[string](pending, &polls))
	all.Poll(nil)
	for range 2 {
		Close(Counted[[]string](all, &polls))
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

// countedWaker counts its wakes.
type countedWaker struct{ wakes atomic.Int64 }

func (w *countedWaker) Wake() { w.wakes.Add(1) }

// wakesAfter lets d pass, with all the timers that are due by then, and returns how
// often w has been woken so far.
func (w *countedWaker) wakesAfter(d time.Duration) int64 {
	time.Sleep(d)
	synctest.Wait()
	return w.wakes.Load()
}

// Property 26: the wake comes from the goroutine of a Go timer.
func TestSleepEndsAtItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		runToEnd(nil, Sleep(time.Hour))
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h took %v, want 1h", got)
		}
	})
}

func TestSleepNeedsTwoPolls(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		polls := 0
		runToEnd(nil, Counted(Sleep(time.Hour), &polls))
		if polls != 2 {
			t.Errorf("Sleep was polled %d times, want 2: once to start, and once when the time has passed", polls)
		}
	})
}

// Property 1.
func TestSleepStartsAtItsFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := Sleep(time.Hour)
		time.Sleep(time.Hour)
		start := time.Now()
		runToEnd(nil, s)
		if got := time.Since(start); got != time.Hour {
			t.Errorf("Sleep took %v from its first poll, want 1h", got)
		}
	})
}

func TestSleepOfNoTimeIsReadyAtOnce(t *testing.T) {
	for _, d := range []time.Duration{0, -1, -time.Hour} {
		inBubble(t, func(t *testing.T) {
			if _, ready := Sleep(d).Poll(&Context{waker: new(countedWaker)}); !ready {
				t.Errorf("a Sleep of %v isn't ready at its first poll, want ready at once", d)
			}
		})
	}
}

// Property 4.
func TestSleepPolledTooEarlyKeepsItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, s, start := new(countedWaker), Sleep(time.Hour), time.Now()
		cx := &Context{waker: w}
		for range 59 {
			if _, ready := s.Poll(cx); ready {
				t.Errorf("Sleep is ready after %v, want 1h", time.Since(start))
			}
			time.Sleep(time.Minute)
		}
		s.Poll(cx)
		if w.wakesAfter(time.Minute-1) != 0 {
			t.Error("Sleep woke its task before the hour had passed")
		}
		if w.wakesAfter(1) != 1 {
			t.Errorf("Sleep woke its task %d times when the hour had passed, want once", w.wakes.Load())
		}
		if _, ready := s.Poll(cx); !ready {
			t.Errorf("Sleep isn't ready after %v, want ready after 1h", time.Since(start))
		}
	})
}

// Property 22.
func TestSleepWakesOnlyLatestWaker(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, early, late := Sleep(time.Hour), new(countedWaker), new(countedWaker)
		s.Poll(&Context{waker: early})
		s.Poll(&Context{waker: late})
		if late.wakesAfter(time.Hour) != 1 {
			t.Errorf("the waker of the latest poll was woken %d times, want once", late.wakes.Load())
		}
		if early.wakes.Load() != 0 {
			t.Error("the waker of an earlier poll was woken, want only the latest waker")
		}
	})
}

// Property 22: a future may be polled by hand first, and by a runtime later.
func TestSleepThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := Sleep(time.Hour)
		s.Poll(&Context{waker: new(countedWaker)})
		runToEnd(nil, s)
	})
}

// Property 18, for a timer.
func TestClosedSleepCausesNoWake(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, w := Sleep(time.Hour), new(countedWaker)
		s.Poll(&Context{waker: w})
		Close(s)
		Close(s)
		if w.wakesAfter(2*time.Hour) != 0 {
			t.Error("a closed Sleep woke its task, want its timer stopped")
		}
	})
}

func TestSleepMayBeClosedBeforeItsFirstPoll(t *testing.T) {
	if err := Close(Sleep(time.Hour)); err != nil {
		t.Error(err)
	}
}

// Closing a future that owns a Sleep stops the Sleep's timer.
func TestCloseIsForwardedToSleep(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, polls := new(countedWaker), 0
		all := JoinAll(Counted(Sleep(time.Hour), &polls))
		all.Poll(&Context{waker: w})
		Close(all)
		if w.wakesAfter(2*time.Hour) != 0 {
			t.Error("JoinAll is closed, but its Sleep woke the task, want its timer stopped")
		}
	})
}

// Property 3.
func TestFinishedSleepPanicsWhenPolled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := Sleep(time.Hour)
		runToEnd(nil, s)
		defer func() {
			if got, want := recover(), "Sleep polled after it finished"; got != want {
				t.Errorf("Poll panics with %v, want %q", got, want)
			}
		}()
		s.Poll(&Context{waker: new(countedWaker)})
	})
}

func TestThousandSleepsPassAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var sleeps []Future[struct{}]
		for i := range 1000 {
			sleeps = append(sleeps, Sleep(time.Duration(i%100)*time.Second))
		}
		start := time.Now()
		runToEnd(nil, JoinAll(sleeps...))
		if got := time.Since(start); got != 99*time.Second {
			t.Errorf("1,000 sleeps of up to 99s took %v, want 99s", got)
		}
	})
}

// parkElsewhere calls Park on another goroutine. The function that it returns
// reports whether Park has returned.
func parkElsewhere(p *Parker) (returned func() bool) {
	done := make(chan struct{})
	go func() {
		p.Park()
		close(done)
	}()
	return func() bool {
		synctest.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// Property 25.
func TestWakeBeforeParkIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		p.Wake()
		if returned := parkElsewhere(p); !returned() {
			t.Error("Park sleeps although there was a wake before")
			p.Wake()
		}
	})
}

// Property 25.
func TestParkWithoutWakeSleeps(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		if returned := parkElsewhere(p); returned() {
			t.Error("Park returned before there was any wake, want it to sleep")
		}
		p.Wake()
	})
}

// Property 25.
func TestWakeEndsPark(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		returned := parkElsewhere(p)
		synctest.Wait() // now Park sleeps
		p.Wake()
		if !returned() {
			t.Fatal("Park still sleeps after a wake, want it to return")
		}
	})
}

// Property 25.
func TestManyWakesBeforeParkAreOne(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		for range 1000 {
			p.Wake()
		}
		p.Park()
		if returned := parkElsewhere(p); returned() {
			t.Error("a second Park returned: 1,000 wakes before the first left it a token, want one token in all")
		}
		p.Wake()
	})
}

// Property 25.
func TestEachParkNeedsAWakeOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := NewParker()
		for range 3 {
			returned := parkElsewhere(p)
			if returned() {
				t.Error("Park returned without a wake of its own, want it to sleep")
			}
			p.Wake()
			if !returned() {
				t.Fatal("Park still sleeps after a wake, want it to return")
			}
		}
	})
}
