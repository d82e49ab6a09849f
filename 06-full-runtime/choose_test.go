package main

import (
	"testing"
	"time"
)

// Property 37.
func TestRaceOfTwoReadyFuturesIsFair(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		const rounds = 10_000
		wins, cx := 0, taskContext(rt)
		for range rounds {
			if either, _ := Race(ready(1), ready(2)).Poll(cx); either.First {
				wins++
			}
		}
		if wins < rounds*45/100 || wins > rounds*55/100 {
			t.Errorf("the first of two won %d of %d rounds, want 45 to 55 %%", wins, rounds)
		}
	})
}

// Property 36.
func TestLoserOfARaceIsClosedBeforeTheValueIsSeen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		first, second, cx := new(never), new(never), taskContext(rt)
		if either, ready := Race(ready(1), first).Poll(cx); !ready || !either.First || either.A != 1 || first.closes != 1 {
			t.Errorf("got %+v, %t, the loser was closed %d times, want once", either, ready, first.closes)
		}
		if either, ready := Race(second, ready(2)).Poll(cx); !ready || either.First || either.B != 2 || second.closes != 1 {
			t.Errorf("got %+v, %t, the loser was closed %d times, want once", either, ready, second.closes)
		}
	})
}

// Property 36.
func TestLoserOfARaceLeavesNothing(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	before := rt.Report()
	for name, loser := range map[string]Future[struct{}]{
		"Sleep": NewSleep(time.Hour),
		"Dial":  discard(Dial(fullBacklog(t))),
		"Read":  discard(s.Read(make([]byte, 1))),
		"Get":   discard(NewHTTPGet(fullBacklog(t), "/")),
	} {
		blockOn(t, rt, Race(loser, new(Yield)))
		if after := rt.Report(); after != before || rt.reactor.waiting != 0 {
			t.Errorf("%s: after the race %+v with %d wakers, before it %+v with none", name, after, rt.reactor.waiting, before)
		}
	}
}

// discarded is a future without its value.
type discarded[T any] struct{ future Future[T] }

func discard[T any](f Future[T]) Future[struct{}] { return discarded[T]{f} }

func (d discarded[T]) Poll(cx *Context) (struct{}, bool) {
	_, ready := d.future.Poll(cx)
	return struct{}{}, ready
}

func (d discarded[T]) Close() error { return Close(d.future) }

func TestAbandonedRaceClosesBoth(t *testing.T) {
	a, b := new(never), new(never)
	r := Race(a, b)
	Close(r)
	Close(r)
	if a.closes != 1 || b.closes != 1 {
		t.Errorf("closed %d and %d times, want once each", a.closes, b.closes)
	}
}

// Property 3.
func TestFinishedRaceIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		r, cx := Race(ready(1), ready(2)), taskContext(rt)
		r.Poll(cx)
		wantPanic(t, "Race polled after it finished", func() { r.Poll(cx) })
	})
}

// A Race whose loser panics in Close does not close it again.
func TestLoserIsClosedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		b := new(badClose)
		if _, err := BlockOn(rt, Race(ready(1), b)); err == nil || b.closes != 1 {
			t.Errorf("BlockOn fails with %v, the loser was closed %d times, want once", err, b.closes)
		}
	})
}

// Property 36.
func TestTimeoutYieldsTheValueInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		got := blockOn(t, rt, Timeout(NewSleep(time.Hour), time.Hour+1))
		if got.Err != nil || rt.Report().Timers != 0 {
			t.Errorf("got %v, and %d timers are left", got.Err, rt.Report().Timers)
		}
	})
}

// Property 36.
func TestTimeoutClosesItsFuture(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n, start := new(never), time.Now()
		got := blockOn(t, rt, Timeout(n, time.Hour))
		if got.Err != ErrTimeout || n.closes != 1 || time.Since(start) != time.Hour {
			t.Errorf("%v after %v, closed %d times, want %v after 1h, once", got.Err, time.Since(start), n.closes, ErrTimeout)
		}
	})
}

func TestValueOfTheLastMomentIsNotThrownAway(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for range 100 {
			if got := blockOn(t, rt, Timeout(NewSleep(time.Second), time.Second)); got.Err != nil {
				t.Fatal(got.Err)
			}
		}
	})
}

// Property 3.
func TestFinishedTimeoutIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		r, cx := Timeout(ready(1), time.Hour), taskContext(rt)
		r.Poll(cx)
		wantPanic(t, "Timeout polled after it finished", func() { r.Poll(cx) })
	})
}

// Property 36.
func TestServerThatNeverAnswersTimesOut(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	h := Spawn(rt, Timeout(NewHTTPGet(address(listen(t)), "/"), 10*time.Millisecond))
	other := Spawn(rt, neighbor(t, closed()))
	if got := blockOn(t, rt, h).Value; got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, other).Value)
}
