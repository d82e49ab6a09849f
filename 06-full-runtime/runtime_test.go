package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Property 1.
func TestNothingIsPolledBeforeBlockOn(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		Spawn(rt, Counted[int]{ready(1), &polls})
		synctest.Wait()
		if polls != 0 {
			t.Errorf("%d polls before BlockOn, want none", polls)
		}
	})
}

// Property 31.
func TestBlockOnReturnsWhenItsFutureIsReady(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		Spawn(rt, NewSleep(time.Hour))
		start := time.Now()
		blockOn(t, rt, NewSleep(time.Minute))
		if got := time.Since(start); got != time.Minute {
			t.Errorf("BlockOn took %v, want 1m: its own future was ready then", got)
		}
	})
}

// Property 31.
func TestOtherTasksGoOnInTheNextBlockOn(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		other := Spawn(rt, NewSleep(time.Hour))
		blockOn(t, rt, NewSleep(time.Minute))
		blockOn(t, rt, other)
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h in two BlockOns took %v", got)
		}
	})
}

func TestBlockOnInsideATaskPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		blockOn(t, rt, until(func(*Context) bool {
			refused := until(func(*Context) bool { t.Error("polled all the same"); return true })
			wantPanic(t, "BlockOn or Close called while the runtime runs", func() { BlockOn(rt, refused) })
			return true
		}))
		blockOn(t, rt, new(Yield))
	})
}

// Property 24: it polls nobody whose future may be gone.
func TestTaskWokenAfterItFinishedIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		var waker Waker
		Spawn(rt, until(func(cx *Context) bool {
			polls++
			waker = cx.Waker()
			waker.Wake() // it is queued when it finishes
			return true
		}))
		blockOn(t, rt, NewSleep(time.Second))
		waker.Wake()
		blockOn(t, rt, NewSleep(time.Second))
		if polls != 1 {
			t.Errorf("%d polls, want 1: it had finished", polls)
		}
	})
}

// Property 26.
func TestWakeDuringPollPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				var waking sync.WaitGroup
				waking.Go(cx.Waker().Wake)
				waking.Wait()
			}
			return polls == 2
		}))
	})
}

// Property 25: the queue was empty, and the runtime has not yet lain down.
func TestWakeBetweenEmptyQueueAndParkIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			polls++
			w, pauses := cx.Waker(), polls%4
			go func() { // runs at the runtime's Gosched, if not before
				for range pauses {
					runtime.Gosched() // and so a little later
				}
				w.Wake()
			}()
			return polls == 1000
		}))
	})
}

// Property 25: it has lain down, and does not yet sleep.
func TestWakeBeforeTheWaitEndsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var waker Waker
		rt.Trace.Park = func() { waker.Wake() }
		blockOn(t, rt, until(func(cx *Context) bool {
			first := waker == nil
			waker = cx.Waker()
			return !first
		}))
	})
}

// Property 24.
func TestWakesFromEightGoroutinesLoseNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		const goroutines, wakes = 8, 1000
		var left atomic.Int64
		left.Store(goroutines * wakes)
		var start sync.Once
		other := Spawn(rt, NewSleep(time.Hour))
		blockOn(t, rt, until(func(cx *Context) bool {
			w := cx.Waker()
			start.Do(func() {
				for range goroutines {
					go func() {
						for range wakes {
							left.Add(-1)
							w.Wake() // the last one of all must be seen
						}
					}()
				}
			})
			return left.Load() == 0
		}))
		blockOn(t, rt, other)
	})
}

// Property 35.
func TestWakeFromElsewhereEndsTheWait(t *testing.T) {
	rt, polls := openRuntime(t), 0
	Spawn(rt, NewSleep(time.Hour))
	blockOn(t, rt, until(func(cx *Context) bool {
		if polls++; polls == 1 {
			time.AfterFunc(10*time.Millisecond, cx.Waker().Wake)
		}
		return polls == 2
	}))
}

// Property 27.
func TestThousandWakesBetweenTwoPollsAreOnePoll(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		Spawn(rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				for range 500 {
					cx.Waker().Wake()
					wakeHere(cx.waker)
				}
			}
			return false
		}))
		blockOn(t, rt, NewSleep(time.Second))
		if polls != 2 {
			t.Errorf("%d polls, want 2: to start, and after 1,000 wakes", polls)
		}
	})
}

// Property 28.
func TestFirstWokenIsFirstPolled(t *testing.T) {
	for name, wake := range map[string]func(Waker){"by its task": wakeHere, "by another goroutine": func(w Waker) { w.Wake() }} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				wakers := make([]Waker, 100) // more than fit into the ring at first
				var got, want []int
				for i := range wakers {
					want = append(want, (i*37+11)%len(wakers))
					Spawn(rt, until(func(cx *Context) bool {
						if wakers[i] == nil {
							wakers[i] = cx.Waker()
							return false
						}
						got = append(got, i)
						return true
					}))
				}
				Spawn(rt, until(func(*Context) bool {
					for _, i := range want {
						wake(wakers[i])
					}
					return true
				}))
				blockOn(t, rt, NewSleep(time.Second))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("not in the order of the wakes (-woken +polled):\n%s", diff)
				}
			})
		})
	}
}

// Property 28: wherever in the ring its first task is when it grows.
func TestReadyQueueKeepsItsOrderWhenItGrows(t *testing.T) {
	var queue ring
	next, want := uint32(0), uint32(1)
	for pushes := 1; pushes < 300; pushes++ {
		for range pushes {
			next++
			queue.push(&Task{ID: next})
		}
		for range pushes - 1 {
			if got := queue.pop().ID; got != want {
				t.Fatalf("task %d comes out, want %d", got, want)
			}
			want++
		}
	}
}

// Property 29.
func TestTasksThatWakeThemselvesTakeTurns(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got string
		var tasks []Future[Result[struct{}]]
		for _, name := range []string{"a", "b", "c"} {
			polls := 0
			tasks = append(tasks, Spawn(rt, until(func(cx *Context) bool {
				got += name
				polls++
				wakeHere(cx.waker)
				return polls == 3
			})))
		}
		blockOn(t, rt, JoinAll(tasks...))
		if want := "abcabcabc"; got != want {
			t.Errorf("polled in the order %s, want %s", got, want)
		}
	})
}

// busyUntil polls a task that is always ready until another one has finished.
func busyUntil[T any](t *testing.T, rt *Runtime, other Future[T]) {
	t.Helper()
	h, polls := Spawn(rt, other), 0
	const most = 20_000_000
	blockOn(t, rt, until(func(cx *Context) bool {
		polls++
		wakeHere(cx.waker)
		return h.task.done || polls == most
	}))
	if polls == most {
		t.Errorf("a task that is always ready was polled %d times, and the other one never went on", polls)
	}
}

// Property 29. No bubble: its clock stands still while a task is always ready.
func TestBusyTaskDoesNotHoldUpTimers(t *testing.T) {
	busyUntil(t, openRuntime(t), NewSleep(time.Millisecond))
}

// Property 29.
func TestBusyTaskDoesNotHoldUpEvents(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	reading := s.Read(make([]byte, 1))
	busyUntil(t, rt, until(func(cx *Context) bool {
		_, ready := reading.Poll(cx)
		if !ready {
			send(t, peer)
		}
		return ready
	}))
}

// Property 29.
func TestBusyTaskDoesNotHoldUpWakesFromElsewhere(t *testing.T) {
	rt, polls := openRuntime(t), 0
	busyUntil(t, rt, until(func(cx *Context) bool {
		if polls++; polls == 1 {
			w := cx.Waker()
			go w.Wake()
			runtime.Gosched()
		}
		return polls == 2
	}))
}

// Property 29: one whose peer is always faster.
func TestReaderThatAlwaysFindsMoreTakesTurns(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	fill(t, peer)
	reads := 0
	Spawn(rt, until(func(cx *Context) bool {
		for {
			if _, _, ready := s.PollRead(cx, make([]byte, 1)); !ready {
				return false
			}
			reads++
		}
	}))
	blockOn(t, rt, ready(1))
	if reads > transfersPerPoll {
		t.Errorf("another task had its turn after %d reads, want at most %d", reads, transfersPerPoll)
	}
}

// Property 30.
func TestTaskSpawnedInAPollIsPolledWithoutAWake(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got []string
		blockOn(t, rt, Async(func(co *Co) struct{} {
			child := Spawn(rt, Async(func(co *Co) struct{} {
				got = append(got, "child")
				Await(co, Spawn(rt, until(func(*Context) bool { got = append(got, "grandchild"); return true })))
				return struct{}{}
			}))
			got = append(got, "parent")
			Await(co, child)
			return struct{}{}
		}))
		if diff := cmp.Diff([]string{"parent", "child", "grandchild"}, got); diff != "" {
			t.Errorf("polls (-want +got):\n%s", diff)
		}
	})
}

// Property 30.
func TestTaskSpawnedByAnotherGoroutineIsPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var waker Waker
		over := false
		blockOn(t, rt, until(func(cx *Context) bool {
			if waker == nil {
				waker = cx.Waker()
				time.AfterFunc(time.Hour, func() { // the runtime sleeps without a limit
					Spawn(rt, until(func(*Context) bool { over = true; wakeHere(waker); return true }))
				})
			}
			cx.Waker()
			return over
		}))
	})
}

// Property 31.
func TestRuntimeLeavesNothingBehind(t *testing.T) {
	noLeaks(t)
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := openStream(t, rt)
	Spawn(rt, Async(func(co *Co) struct{} {
		defer s.Close()
		Await(co, s.Read(make([]byte, 1)))
		return struct{}{}
	}))
	Spawn(rt, NewSleep(time.Hour))
	blockOn(t, rt, new(Yield))
	if left := rt.Close(); left != (Report{}) {
		t.Errorf("left behind: %+v", left)
	}
}

// A panic of a callback of Trace, say: it
// is thrown, and the runtime can go on all the same.
func TestPanicOfACallbackIsNoTasksFault(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		rt.Trace.Park = func() { panic("boom") }
		defer func() {
			rt.Trace.Park = nil
			if fault, ok := recover().(*PanicError); !ok || fault.Value != "boom" {
				t.Errorf("BlockOn panics with %v, want boom", fault)
			}
			blockOn(t, rt, NewSleep(time.Second))
		}()
		BlockOn(rt, NewSleep(time.Hour))
	})
}

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
