package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
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
		SpawnRemote(rt, Counted(ready(1), &polls))
		synctest.Wait()
		if polls != 0 {
			t.Errorf("%d polls before BlockOn, want none", polls)
		}
	})
}

// Property 31.
func TestBlockOnReturnsWhenItsFutureIsReady(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		SpawnRemote(rt, Sleep(time.Hour))
		start := time.Now()
		blockOn(t, rt, Sleep(time.Minute))
		if got := time.Since(start); got != time.Minute {
			t.Errorf("BlockOn took %v, want 1m: its own future was ready then", got)
		}
	})
}

// Property 31.
func TestOtherTasksGoOnInTheNextBlockOn(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		other := SpawnRemote(rt, Sleep(time.Hour))
		blockOn(t, rt, Sleep(time.Minute))
		blockOn(t, rt, other)
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h in two BlockOns took %v", got)
		}
	})
}

func TestBlockOnInsideATaskPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		blockOn(t, rt, until(func(*Context) bool {
			refused := until(func(*Context) bool { t.Error("it was polled all the same"); return true })
			wantPanic(t, "BlockOn or Close called while the runtime runs", func() { BlockOn(rt, refused) })
			return true
		}))
		blockOn(t, rt, Yield())
	})
}

// Property 24: the future of a finished task may be gone.
func TestTaskWokenAfterItFinishedIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		var waker Waker
		SpawnRemote(rt, until(func(cx *Context) bool {
			polls++
			waker = cx.Waker()
			waker.Wake() // so it's in the run queue when it finishes
			return true
		}))
		blockOn(t, rt, Sleep(time.Second))
		waker.Wake()
		blockOn(t, rt, Sleep(time.Second))
		if polls != 1 {
			t.Errorf("%d polls, want 1: the task had finished", polls)
		}
	})
}

// An ID of 0 means "not yet a task".
func TestTaskAfter2To32OthersHasAnID(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		rt.spawned = math.MaxUint32
		if got := blockOn(t, rt, SpawnRemote(rt, Blocking(func() int { return 1 }))); got.Value != 1 {
			t.Errorf("got %+v, want 1", got)
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

// Property 25: the run queue is empty, and the runtime isn't parked yet.
func TestWakeBetweenEmptyQueueAndParkIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			polls++
			w, pauses := cx.Waker(), polls%4
			go func() { // runs when the runtime calls Gosched, if not before
				for range pauses {
					runtime.Gosched() // and so a little later
				}
				w.Wake()
			}()
			return polls == 1000
		}))
	})
}

// Property 25: the runtime is parked, and doesn't sleep yet.
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
		other := SpawnRemote(rt, Sleep(time.Hour))
		blockOn(t, rt, until(func(cx *Context) bool {
			w := cx.Waker()
			start.Do(func() {
				for range goroutines {
					go func() {
						for range wakes {
							left.Add(-1)
							w.Wake() // the very last one must be seen
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
	SpawnRemote(rt, Sleep(time.Hour))
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
		SpawnRemote(rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				for range 500 {
					wakeLocal(cx.waker)
					cx.Waker().Wake()
				}
				if n := queueLength(&rt.runQueue) + len(rt.injected); n > 2 { // the root is the other one
					t.Errorf("%d tasks are queued after 1,000 wakes of one", n)
				}
			}
			return false
		}))
		blockOn(t, rt, Sleep(time.Second))
		if polls != 2 {
			t.Errorf("%d polls, want 2: to start, and after 1,000 wakes", polls)
		}
	})
}

// Property 28: and it makes no difference whether a task or another goroutine wakes.
func TestFirstWokenIsFirstPolled(t *testing.T) {
	remote := Waker.Wake
	for name, wakes := range map[string][]func(Waker){
		"by a task":            {wakeLocal},
		"by another goroutine": {remote},
		"by turns":             {remote, wakeLocal, wakeLocal, remote, remote},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				wakers := make([]Waker, 100) // more than the run queue has room for at first
				var got, want []int
				for i := range wakers {
					want = append(want, (i*37+11)%len(wakers))
					SpawnRemote(rt, until(func(cx *Context) bool {
						if wakers[i] == nil {
							wakers[i] = cx.Waker()
							return false
						}
						got = append(got, i)
						return true
					}))
				}
				SpawnRemote(rt, until(func(*Context) bool {
					for n, i := range want {
						wakes[n%len(wakes)](wakers[i])
					}
					return true
				}))
				blockOn(t, rt, Sleep(time.Second))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("not in the order of the wakes (-woken +polled):\n%s", diff)
				}
			})
		})
	}
}

// Property 28: a new task has its place in the order too, and overtakes none.
func TestSpawnedTasksArePolledInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got string
		note := func(name string) Future[struct{}] {
			return until(func(*Context) bool { got += name; return true })
		}
		blockOn(t, rt, Async(func(co *Co) int {
			SpawnRemote(rt, note("a"))
			Spawn(co.cx, note("b"))
			var remote sync.WaitGroup
			remote.Go(func() { SpawnRemote(rt, note("c")) })
			remote.Wait()
			wakeLocal(co.cx.waker)
			Spawn(co.cx, note("e"))
			SpawnRemote(rt, note("f"))
			co.suspend()
			got += "d"
			Await(co, Yield())
			return 1
		}))
		if want := "abcdef"; got != want {
			t.Errorf("polled in the order %s, want %s", got, want)
		}
	})
}

func queueLength(q *runQueue) int { return len(q.incoming) + len(q.outgoing) - q.next }

// Property 28: wherever its first task is when it grows.
func TestRunQueueKeepsItsOrderWhenItGrows(t *testing.T) {
	var queue runQueue
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
	for queue.pop() != nil {
	}
	for _, left := range slices.Concat(queue.incoming[:cap(queue.incoming)], queue.outgoing[:cap(queue.outgoing)]) {
		if left != nil {
			t.Fatalf("the empty queue still holds task %d", left.ID)
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
			tasks = append(tasks, SpawnRemote(rt, until(func(cx *Context) bool {
				got += name
				polls++
				wakeLocal(cx.waker)
				return polls == 3
			})))
		}
		blockOn(t, rt, JoinAll(tasks...))
		if want := "abcabcabc"; got != want {
			t.Errorf("polled in the order %s, want %s", got, want)
		}
	})
}

// busyUntil polls a task that is always ready until another one has ended.
func busyUntil[T any](t *testing.T, rt *Runtime, other Future[T]) {
	t.Helper()
	h, polls := SpawnRemote(rt, other), 0
	const most = 20_000_000
	blockOn(t, rt, until(func(cx *Context) bool {
		polls++
		wakeLocal(cx.waker)
		return h.task.state == ended || polls == most
	}))
	if polls == most {
		t.Errorf("a task that is always ready was polled %d times, and the other one never went on", polls)
	}
}

// Property 29. A bubble's clock would stand still while a task is always ready.
func TestBusyTaskDoesNotHoldUpTimers(t *testing.T) {
	busyUntil(t, openRuntime(t), Sleep(time.Millisecond))
}

// Property 29.
func TestBusyTaskDoesNotHoldUpEvents(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	reading := s.Read(make([]byte, 1))
	busyUntil(t, rt, until(func(cx *Context) bool {
		_, ready := reading.Poll(cx)
		if !ready {
			sendByte(t, peer)
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

// wantDeadlock runs f, which must end with the report.
func wantDeadlock[T any](t *testing.T, rt *Runtime, f Future[T], tasks int) {
	t.Helper()
	_, err := BlockOn(rt, f)
	var deadlock *DeadlockError
	words := fmt.Sprintf("deadlock: no task can be woken (tasks left: %d)", tasks)
	if !errors.As(err, &deadlock) || err.Error() != words || deadlock.Tasks != tasks || rt.Report().Tasks != tasks {
		t.Fatalf("BlockOn ends with %v, want %q", err, words)
	}
}

// Property 33.
func TestTasksThatWaitForEachOtherAreReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := NewChannel[int](1)
		var a, b, itself *JoinHandle[int]
		a = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, b).Value }))
		b = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, a).Value }))
		itself = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, itself).Value }))
		SpawnRemote(rt, c.Receive())
		SpawnRemote(rt, Async(func(co *Co) int {
			Await(co, JoinAll(a, Spawn(co.cx, ready(1))))
			return 1
		}))
		SpawnRemote(rt, until(func(*Context) bool { return false }))
		wantDeadlock(t, rt, a, 7)
	})
}

// Property 33: as soon as the timer has fired.
func TestDeadlockBesideATimerIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		wantDeadlock(t, rt, JoinAll(discard(NewChannel[int](1).Receive()), Sleep(time.Second)), 1)
		if got := time.Since(start); got != time.Second {
			t.Errorf("reported after %v, want 1s", got)
		}
	})
}

// Property 33: in the next BlockOn the tasks may go on.
func TestRuntimeGoesOnAfterADeadlock(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, value := NewChannel[*never](1), new(never)
		wantDeadlock(t, rt, c.Receive(), 1)
		blockOn(t, rt, c.Send(value))
		blockOn(t, rt, Yield())
		if n := rt.Report().Tasks; n != 0 || value.closes != 1 {
			t.Errorf("%d tasks are left, and the value was closed %d times, want none, once: it came, but BlockOn had given up", n, value.closes)
		}
	})
}

// Property 33.
func TestTaskThatCanBeWokenFromOutsideIsNotStuck(t *testing.T) {
	later := func() Future[struct{}] {
		polls := 0
		return until(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
			}
			return polls == 2
		})
	}
	stuck := func() Future[struct{}] { return discard(NewChannel[int](1).Receive()) }
	for name, f := range map[string]func() Future[struct{}]{
		"timer":            func() Future[struct{}] { return Sleep(time.Hour) },
		"Blocking":         func() Future[struct{}] { return Blocking(func() struct{} { time.Sleep(time.Hour); return struct{}{} }) },
		"waker":            later,
		"waker in a Race":  func() Future[struct{}] { return discard(Race(stuck(), later())) },
		"waker in a Group": func() Future[struct{}] { return discard(inAGroup(later())) },
		"waker in a body":  func() Future[struct{}] { return discardAs[struct{}](later()) },
		"waker in a handle": func() Future[struct{}] {
			return discard(Async(func(co *Co) int { Await(co, Spawn(co.cx, later())); return 1 }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				start := time.Now()
				SpawnRemote(rt, stuck())
				blockOn(t, rt, f())
				if got := time.Since(start); got != time.Hour {
					t.Errorf("it took %v, want 1h", got)
				}
			})
		})
	}
}

func inAGroup(f Future[struct{}]) Future[error] {
	return Async(func(co *Co) error {
		g := NewGroup(co.cx)
		defer g.Close()
		g.Go(Async(func(co *Co) error { Await(co, f); return nil }))
		return Await(co, g.Wait())
	})
}

// Property 33: nothing knows of the goroutine that is going to send, unless a
// task waits for it in Blocking.
func TestRuntimeWaitsForTheGoroutineThatATaskWaitsFor(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, sent := NewChannel[int](1), make(chan struct{})
		time.AfterFunc(time.Hour, func() {
			SpawnRemote(rt, c.Send(7))
			close(sent)
		})
		got := blockOn(t, rt, Async(func(co *Co) int {
			goroutine := Spawn(co.cx, Blocking(func() struct{} { <-sent; return struct{}{} }))
			value := Await(co, c.Receive()).Value
			Await(co, goroutine)
			return value
		}))
		if got != 7 {
			t.Errorf("got %d, want the 7 that the goroutine had sent", got)
		}
	})
}

// Property 33: this task is marked as queued, and isn't in the run queue yet.
func TestTaskThatIsBeingWokenIsNotStuck(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, until(func(*Context) bool { return false }))
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				h.task.queued.Store(true) // what Cancel does first
				h.task.cancelled.Store(true)
				w := cx.waker // not cx.Waker(), which would count as a way out
				time.AfterFunc(time.Hour, func() {
					rt.wakeRemote(&h.task)
					w.Wake()
				})
			}
			return polls == 2
		}))
	})
}
