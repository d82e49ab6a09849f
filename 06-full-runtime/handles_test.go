package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outcome makes errors comparable.
func outcome[T any](r Result[T]) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	return "a value"
}

func explode() { panic("boom") }

// faulty are tasks that end badly, and how.
var faulty = []struct {
	name, want string
	make       func() Future[struct{}]
}{
	{"panic", "task panicked: boom", func() Future[struct{}] { return until(func(*Context) bool { panic("boom") }) }},
	{"panic in a coroutine", "task panicked: boom", func() Future[struct{}] { return Async(func(*Co) struct{} { panic("boom") }) }},
	{"panic after an Await", "task panicked: boom", func() Future[struct{}] { return Async(func(co *Co) struct{} { Await(co, Yield()); panic("boom") }) }},
	{"panic in a call of Blocking", "task panicked: boom", func() Future[struct{}] { return Blocking(func() struct{} { panic("boom") }) }},
	{"Goexit", "task panicked: runtime.Goexit was called", func() Future[struct{}] { return until(func(*Context) bool { runtime.Goexit(); return true }) }},
	{"Goexit in a coroutine", "task panicked: runtime.Goexit was called", func() Future[struct{}] { return Async(func(*Co) struct{} { runtime.Goexit(); return struct{}{} }) }},
	{"Goexit after an Await", "task panicked: runtime.Goexit was called", func() Future[struct{}] {
		return Async(func(co *Co) struct{} { Await(co, Yield()); runtime.Goexit(); return struct{}{} })
	}},
	{"Goexit in a call of Blocking", "task panicked: runtime.Goexit was called", func() Future[struct{}] { return Blocking(func() struct{} { runtime.Goexit(); return struct{}{} }) }},
}

// Property 32.
func TestFaultOfOneTaskIsErrorOfItsHandle(t *testing.T) {
	for _, fault := range faulty {
		t.Run(fault.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				before := SpawnRemote(rt, Sleep(time.Second))
				bad := SpawnRemote(rt, fault.make())
				after := SpawnRemote(rt, Sleep(time.Second))
				var got []string
				for _, r := range blockOn(t, rt, JoinAll[Result[struct{}]](before, bad, after)) {
					got = append(got, outcome(r))
				}
				if diff := cmp.Diff([]string{"a value", fault.want, "a value"}, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Property 32.
func TestPanicOfTheRootIsErrorOfBlockOn(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		_, err := BlockOn(rt, Async(func(*Co) int { explode(); return 1 }))
		var fault *PanicError
		if !errors.As(err, &fault) || !strings.Contains(string(fault.Stack), "explode") {
			t.Errorf("BlockOn fails with %v, want a *PanicError with the stack of explode", err)
		}
	})
}

// Property 32.
func TestTaskThatPanicsIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		other := new(never)
		_, err := BlockOn(rt, JoinAll[struct{}](other, until(func(*Context) bool { panic("boom") })))
		if err == nil || other.closes != 1 {
			t.Errorf("BlockOn fails with %v, and what the task had was closed %d times, want once", err, other.closes)
		}
	})
}

// badClose is pending, and its Close panics.
type badClose struct{ never }

func (b *badClose) Close() error {
	b.never.Close()
	panic("boom")
}

// Property 32: a panic of Close is one of its task too.
func TestPanicInCloseIsErrorOfTheHandle(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		b := new(badClose)
		h := SpawnRemote(rt, b)
		blockOn(t, rt, Yield())
		h.Cancel()
		if got := outcome(blockOn(t, rt, h)); got != "task panicked: boom" || b.closes != 1 {
			t.Errorf("outcome %q after %d times Close, want the panic, once", got, b.closes)
		}
	})
}

// Property 32: a panic of one Close is no reason to leave others open.
func TestPanicInCloseLeavesNothingElseOpen(t *testing.T) {
	for name, own := range map[string]func(a, b Future[struct{}]) any{
		"JoinAll": func(a, b Future[struct{}]) any { return JoinAll(a, b) },
		"Race":    func(a, b Future[struct{}]) any { return Race(a, b) },
	} {
		a, b := new(badClose), new(never)
		func() {
			defer func() { recover() }()
			Close(own(a, b))
		}()
		if a.closes != 1 || b.closes != 1 {
			t.Errorf("%s has closed its futures %d and %d times, want once each", name, a.closes, b.closes)
		}
	}
}

func TestCancelledTaskIsClosedNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		h := SpawnRemote(rt, n)
		h.Cancel()
		if got := blockOn(t, rt, h); got.Err != ErrCancelled || n.polls != 0 || n.closes != 1 {
			t.Errorf("cancelled before it began: %v, %d polls, closed %d times, want no poll, once", got.Err, n.polls, n.closes)
		}
	})
}

func TestTaskCancelledByAnotherGoroutineEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		h := SpawnRemote(rt, n)
		time.AfterFunc(time.Hour, h.Cancel)
		if got := blockOn(t, rt, h); got.Err != ErrCancelled || n.closes != 1 {
			t.Errorf("%v, closed %d times, want %v, once", got.Err, n.closes, ErrCancelled)
		}
	})
}

func TestTaskMayCancelItself(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var h *JoinHandle[struct{}]
		unwound := false
		h = SpawnRemote(rt, Async(func(co *Co) struct{} {
			defer func() { unwound = true }()
			h.Cancel()
			Await(co, Sleep(time.Hour))
			return struct{}{}
		}))
		if got := blockOn(t, rt, h); got.Err != ErrCancelled || !unwound {
			t.Errorf("%v, unwound: %t, want %v, true", got.Err, unwound, ErrCancelled)
		}
	})
}

func TestRootMayBeCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		_, err := BlockOn(rt, pollFunc[int](func(cx *Context) (int, bool) {
			cx.task.work.(*JoinHandle[int]).Cancel()
			return 0, false
		}))
		if err != ErrCancelled || time.Since(start) != 0 {
			t.Errorf("BlockOn fails with %v, want %v", err, ErrCancelled)
		}
	})
}

func TestCancelDuringTheLastPollComesTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var h *JoinHandle[int]
		h = SpawnRemote(rt, pollFunc[int](func(*Context) (int, bool) { h.Cancel(); return 7, true }))
		if got := blockOn(t, rt, h); got != (Result[int]{Value: 7}) {
			t.Errorf("got %+v, want 7: it was ready", got)
		}
	})
}

func TestCancelAfterTheEndChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, ready(7))
		blockOn(t, rt, h)
		h.Cancel()
		blockOn(t, rt, Yield())
		if got := blockOn(t, rt, h); got != (Result[int]{Value: 7}) {
			t.Errorf("got %+v, want 7", got)
		}
	})
}

func TestDroppedHandleDetachesTheTask(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		ended := false
		h := SpawnRemote(rt, Async(func(co *Co) struct{} {
			Await(co, Sleep(time.Hour))
			ended = true
			return struct{}{}
		}))
		blockOn(t, rt, Timeout(h, time.Minute)) // closes the handle
		blockOn(t, rt, Sleep(time.Hour))
		if !ended {
			t.Error("the task did not run on")
		}
	})
}

func TestLatestPollerOfAHandleIsWoken(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, Sleep(time.Hour))
		SpawnRemote(rt, Timeout[Result[struct{}]](until2(h), time.Minute)) // polls, and leaves off
		start := time.Now()
		blockOn(t, rt, Async(func(co *Co) struct{} {
			Await(co, Sleep(2*time.Minute))
			Await(co, h)
			return struct{}{}
		}))
		if got := time.Since(start); got != time.Hour {
			t.Errorf("the second poller was woken after %v, want 1h", got)
		}
	})
}

// until2 hides the Close of f.
func until2[T any](f Future[T]) Future[T] { return pollFunc[T](f.Poll) }

// Property 31.
func TestSpawnAfterCloseIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		rt.Close()
		n := new(never)
		if _, err := BlockOn(rt, n); err != ErrCancelled || n.polls != 0 || n.closes != 1 {
			t.Errorf("%v, %d polls, closed %d times, want %v, none, once", err, n.polls, n.closes, ErrCancelled)
		}
	})
}

// Property 31.
func TestSpawnDuringCloseIsCancelledOrClosed(t *testing.T) {
	for range 100 {
		rt := newRuntime(newFakePoller(t))
		var spawning sync.WaitGroup
		futures, start := make([]never, 400), make(chan struct{})
		for g := range 4 {
			spawning.Go(func() {
				<-start
				for i := range 100 {
					SpawnRemote(rt, &futures[100*g+i]).Cancel()
				}
			})
		}
		close(start)
		runtime.Gosched()
		rt.Close()
		spawning.Wait()
		for i := range futures {
			if futures[i].closes != 1 {
				t.Fatalf("a future was closed %d times, want once", futures[i].closes)
			}
		}
	}
}

func TestHandleThatLostARaceMayBeAwaitedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, Async(func(co *Co) int { Await(co, Sleep(time.Hour)); return 7 }))
		if either := blockOn(t, rt, Race(h, Sleep(time.Second))); either.First {
			t.Fatal("the handle won")
		}
		if got := blockOn(t, rt, h); got != (Result[int]{Value: 7}) {
			t.Errorf("after the race the handle yields %v, want 7", got)
		}
	})
}

// Property 36.
func TestValueOfAnAbandonedHandleIsClosed(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("before the end: %t", early), func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				value := new(never)
				h := SpawnRemote(rt, ready(Either[*never, int]{First: true, A: value}))
				if !early {
					blockOn(t, rt, Yield())
				}
				Close(h)
				blockOn(t, rt, Yield())
				Close(h)
				if value.closes != 1 {
					t.Errorf("closed %d times, want once", value.closes)
				}
			})
		})
	}
}

func TestValueThatWasSeenIsNotClosedWithItsHandle(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, ready(new(never)))
		value := blockOn(t, rt, h).Value
		if Close(h); value.closes != 0 {
			t.Errorf("closed %d times", value.closes)
		}
	})
}

// Its goroutine is another one, so the wake would be lost.
func TestHandleOfAnotherRuntimeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, ready(1))
		wantPanic(t, "JoinHandle polled by a task of another runtime", func() { h.Poll(taskContext(bubbleRuntime(t))) })
	})
}

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
		"Sleep": Sleep(time.Hour),
		"Dial":  discard(Dial(fullBacklog(t))),
		"Read":  discard(s.Read(make([]byte, 1))),
		"Get":   discard(NewHTTPGet(fullBacklog(t), "/")),
	} {
		blockOn(t, rt, Race(loser, Yield()))
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
		got := blockOn(t, rt, Timeout(Sleep(time.Hour), time.Hour+1))
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
			if got := blockOn(t, rt, Timeout(Sleep(time.Second), time.Second)); got.Err != nil {
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
	h := SpawnRemote(rt, Timeout(NewHTTPGet(address(listen(t)), "/"), 10*time.Millisecond))
	other := SpawnRemote(rt, neighbor(t, closed()))
	if got := blockOn(t, rt, h).Value; got.Err != ErrTimeout {
		t.Errorf("got %+v, want %v", got, ErrTimeout)
	}
	checkFault(t, Response{Status: 200, Body: "hello"}, "", blockOn(t, rt, other).Value)
}
