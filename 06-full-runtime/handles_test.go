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

const panicked, exited = "task panicked: boom", "task panicked: runtime.Goexit was called"

// faulty are futures that fail, and how.
var faulty = []struct {
	name, want string
	make       func() Future[struct{}]
}{
	{"panic", panicked, func() Future[struct{}] { return until(func(*Context) bool { panic("boom") }) }},
	{"panic in a coroutine", panicked, func() Future[struct{}] { return Async(func(*Co) struct{} { panic("boom") }) }},
	{"panic after an Await", panicked, func() Future[struct{}] {
		return Async(func(co *Co) struct{} { Await(co, Yield()); panic("boom") })
	}},
	{"panic in a call of Blocking", panicked, func() Future[struct{}] { return Blocking(func() struct{} { panic("boom") }) }},
	{"Goexit", exited, func() Future[struct{}] { return until(func(*Context) bool { runtime.Goexit(); return true }) }},
	{"Goexit in a coroutine", exited, func() Future[struct{}] {
		return Async(func(*Co) struct{} { runtime.Goexit(); return struct{}{} })
	}},
	{"Goexit after an Await", exited, func() Future[struct{}] {
		return Async(func(co *Co) struct{} { Await(co, Yield()); runtime.Goexit(); return struct{}{} })
	}},
	{"Goexit in a call of Blocking", exited, func() Future[struct{}] {
		return Blocking(func() struct{} { runtime.Goexit(); return struct{}{} })
	}},
}

// Property 32.
func TestFaultOfOneTaskIsErrorOfItsHandle(t *testing.T) {
	for _, fault := range faulty {
		t.Run(fault.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				got := blockOn(t, rt, Async(func(co *Co) (got []string) {
					before, bad, after := Spawn(co.cx, Sleep(time.Second)), Spawn(co.cx, fault.make()), Spawn(co.cx, Sleep(time.Second))
					for _, r := range Await(co, JoinAll[Result[struct{}]](before, bad, after)) {
						got = append(got, outcome(r))
					}
					return got
				}))
				if diff := cmp.Diff([]string{"a value", fault.want, "a value"}, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Property 44: reported once, whenever its handle was closed.
func TestFaultOfADetachedTaskIsReported(t *testing.T) {
	for _, fault := range faulty {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, late: %t", fault.name, late), func(t *testing.T) {
				inBubble(t, func(t *testing.T, rt *Runtime) {
					reports := reportsOf(rt)
					h := SpawnRemote(rt, fault.make())
					if late {
						blockOn(t, rt, Sleep(time.Second))
					}
					for range 2 {
						Close(h)
						blockOn(t, rt, Sleep(time.Second))
					}
					rt.Close()
					wantReport(t, reports, "task 1", fault.want)
				})
			})
		}
	}
}

// Property 44: nothing awaits this task when it fails, so the failure is reported
// at once. The handle tells it all the same.
func TestFaultThatIsAwaitedLaterIsReportedToo(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		reports := reportsOf(rt)
		h := SpawnRemote(rt, faulty[0].make())
		blockOn(t, rt, Yield())
		wantReport(t, reports, "task 1", panicked)
		if got := outcome(blockOn(t, rt, h)); got != panicked {
			t.Errorf("the handle yields %q, want the panic", got)
		}
		Close(h)
		wantReport(t, reports, "task 1", panicked) // still only one
	})
}

// Property 44: the report says where it happened.
func TestReportOfAFaultHasItsStack(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var reported error
		rt.Trace.Error = func(err error) { reported = err }
		SpawnRemote(rt, until(func(*Context) bool { explode(); return true }))
		blockOn(t, rt, Yield())
		var fault *PanicError
		if !errors.As(reported, &fault) || fault.Value != "boom" || !strings.Contains(string(fault.Stack), "explode") {
			t.Errorf("reported: %v, want a *PanicError with the stack of explode", reported)
		}
	})
}

// Property 44: an error that was yielded needs no report.
func TestFaultThatWasAwaitedIsNotReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		blockOn(t, rt, Async(func(co *Co) int {
			h := Spawn(co.cx, faulty[0].make())
			Await(co, h)
			Close(h)
			return 1
		}))
	}) // the runtime of a bubble fails the test if it reports something
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

// Properties 32 and 42.
func TestTaskThatPanicsIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		other := new(never)
		_, err := BlockOn(rt, JoinAll(other, until(func(*Context) bool { panic("boom") })))
		if err == nil || other.closes != 1 {
			t.Errorf("BlockOn fails with %v, and the other child was closed %d times, want once", err, other.closes)
		}
	})
}

// badClose is never ready, and its Close panics.
type badClose struct{ never }

func (b *badClose) Close() error {
	b.never.Close()
	panic("boom")
}

// Property 32: a panic of Close also belongs to the task.
func TestPanicInCloseIsErrorOfTheHandle(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		b := new(badClose)
		reportsOf(rt) // it ends before anything awaits it
		h := SpawnRemote(rt, b)
		blockOn(t, rt, Yield())
		h.Cancel()
		if got := outcome(blockOn(t, rt, h)); got != panicked || b.closes != 1 {
			t.Errorf("the outcome is %q after %d calls of Close, want the panic, one", got, b.closes)
		}
	})
}

// Property 32: of two panics the handle tells the first, the cause.
func TestFirstPanicIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		f := JoinAll(new(badClose), until(func(*Context) bool { panic("first") }))
		if _, err := BlockOn(rt, f); err == nil || err.Error() != "task panicked: first" {
			t.Errorf("BlockOn fails with %v, want the first panic", err)
		}
	})
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
		finished := false
		h := SpawnRemote(rt, Async(func(co *Co) struct{} {
			Await(co, Sleep(time.Hour))
			finished = true
			return struct{}{}
		}))
		blockOn(t, rt, Timeout(h, time.Minute)) // closes the handle
		blockOn(t, rt, Sleep(time.Hour))
		if !finished {
			t.Error("the task didn't go on")
		}
	})
}

func TestLatestPollerOfAHandleIsWoken(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, Sleep(time.Hour))
		SpawnRemote(rt, Timeout(pollFunc[Result[struct{}]](h.Poll), time.Minute)) // polls, and gives up without a Close
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

// A task that has closed a handle isn't woken by it anymore.
func TestClosedHandleWakesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h, cx := SpawnRemote(rt, Sleep(time.Hour)), taskContext(rt)
		h.Poll(cx)
		Close(h)
		blockOn(t, rt, Sleep(2*time.Hour))
		if n := wakesOf(cx); n != 0 {
			t.Errorf("%d wakes, want none", n)
		}
	})
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

// The goroutine of that runtime is another one, so the wake could be lost.
func TestHandleOfAnotherRuntimeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, ready(1))
		wantPanic(t, "JoinHandle polled by a task of another runtime", func() { h.Poll(taskContext(bubbleRuntime(t))) })
	})
}

// Property 31.
func TestSpawnAfterCloseIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		rt.Close()
		n := new(never)
		if _, err := BlockOn(rt, n); err != ErrCancelled || n.polls != 0 || n.closes != 1 {
			t.Errorf("BlockOn: %v, %d polls, closed %d times, want %v, none, once", err, n.polls, n.closes, ErrCancelled)
		}
		n = new(never)
		h := SpawnRemote(rt, n)
		if got, ready := h.Poll(taskContext(rt)); !ready || got.Err != ErrCancelled || n.polls != 0 || n.closes != 1 {
			t.Errorf("SpawnRemote: %v, %t, %d polls, closed %d times, want %v, true, none, once", got.Err, ready, n.polls, n.closes, ErrCancelled)
		}
	})
}

// Property 31, fault 10: while the runtime closes, its own goroutine closes what
// another one spawns. That may share something with the other futures.
func TestSpawnDuringCloseIsClosedByTheRuntime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		late, early := new(never), 0
		SpawnRemote(rt, Async(func(co *Co) int {
			defer func() {
				var spawning sync.WaitGroup
				spawning.Go(func() { SpawnRemote(rt, late) })
				spawning.Wait()
				early = late.closes
			}()
			Await(co, Sleep(time.Hour))
			return 1
		}))
		blockOn(t, rt, Yield())
		rt.Close()
		if early != 0 || late.closes != 1 {
			t.Errorf("closed %d times by the goroutine that spawned it, %d times in all, want never, once", early, late.closes)
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

// Property 31.
func TestRuntimeLeavesNothingBehind(t *testing.T) {
	noLeaks(t)
	rt, err := NewRuntime()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := openStream(t, rt)
	SpawnRemote(rt, Async(func(co *Co) struct{} {
		defer s.Close()
		Await(co, s.Read(make([]byte, 1)))
		return struct{}{}
	}))
	SpawnRemote(rt, Sleep(time.Hour))
	blockOn(t, rt, Yield())
	if left := rt.Close(); left != (Report{}) {
		t.Errorf("left behind: %+v", left)
	}
}

func TestCloseTwiceDoesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) { // the poller says if it's closed again
		rt.Close()
		rt.Close()
	})
}

// Property 41, of the report.
func TestReportCountsWhatThereIs(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	over := make(chan struct{})
	call := SpawnRemote(rt, Blocking(func() struct{} { <-over; return struct{}{} }))
	SpawnRemote(rt, Sleep(time.Hour))
	var got []Report
	note := func() { got = append(got, rt.Report()) }
	note()
	blockOn(t, rt, until(func(*Context) bool { note(); return true }))
	close(over)
	blockOn(t, rt, call)
	s.Close()
	note()
	want := []Report{{Tasks: 2, Descriptors: 1}, {Tasks: 3, Timers: 1, Descriptors: 1, Blocking: 1}, {Tasks: 1, Timers: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("before, inside, and at the end (-want +got):\n%s", diff)
	}
}

func TestCloseInsideATaskPanicsAndDoesNoHarm(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				wantPanic(t, "BlockOn or Close called while the runtime runs", func() { rt.Close() })
				time.AfterFunc(time.Second, cx.Waker().Wake)
			}
			return polls == 2
		}))
	})
}

// Property 30.
func TestTaskSpawnedInAPollIsPolledWithoutAWake(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got []string
		blockOn(t, rt, Async(func(co *Co) struct{} {
			child := Spawn(co.cx, Async(func(co *Co) struct{} {
				got = append(got, "child")
				Await(co, Spawn(co.cx, until(func(*Context) bool { got = append(got, "grandchild"); return true })))
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

// Property 30: the bell wakes the runtime for it.
func TestTaskSpawnedByAnotherGoroutineIsPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var waker Waker
		over := false
		blockOn(t, rt, until(func(cx *Context) bool {
			if waker == nil {
				waker = cx.Waker()
				time.AfterFunc(time.Hour, func() { // by then the runtime sleeps without a limit
					SpawnRemote(rt, until(func(*Context) bool { over = true; wakeLocal(waker); return true }))
				})
			}
			cx.Waker()
			return over
		}))
	})
}

// Property 32.
func TestGoexitWhileAPanickedTaskIsClosedEndsItOnce(t *testing.T) {
	rt := openRuntime(t)
	rt.Trace.Error = func(error) {}
	SpawnRemote(rt, Owning(closeFunc(runtime.Goexit), Async(func(co *Co) int { Await(co, Sleep(time.Millisecond)); panic("boom") })))
	blockOn(t, rt, Sleep(10*time.Millisecond)) // the next poll comes later
}
