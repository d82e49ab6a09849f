package main

import (
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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

// Property 31.
func TestCloseCancelsWhatIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		h := SpawnRemote(rt, n)
		blockOn(t, rt, Yield())
		rt.Close()
		if h.result().Err != ErrCancelled || n.closes != 1 {
			t.Errorf("%v, closed %d times, want %v, once", h.result().Err, n.closes, ErrCancelled)
		}
	})
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

// Properties 32 and 44.
func TestFaultInACloseDoesNotKeepOthersOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		reports, unwound := reportsOf(rt), make(map[int]int)
		want := make(map[int]int)
		for i := range 10 {
			want[i] = 1
			SpawnRemote(rt, Async(func(co *Co) struct{} {
				defer func() {
					unwound[i]++
					if i%3 == 1 {
						panic("boom")
					} else if i%3 == 2 {
						runtime.Goexit()
					}
				}()
				Await(co, Sleep(time.Hour))
				return struct{}{}
			}))
		}
		blockOn(t, rt, Sleep(time.Second))
		rt.Close()
		if diff := cmp.Diff(want, unwound); diff != "" {
			t.Errorf("unwound (-want +got):\n%s", diff)
		}
		if len(*reports) != 6 {
			t.Errorf("reported: %q, want 3 panics and 3 Goexits", *reports)
		}
	})
}

// Property 31: what a task spawns while it's unwound has no runtime anymore.
func TestTaskSpawnedWhileUnwindingIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		late, remote := new(never), new(never)
		SpawnRemote(rt, Async(func(co *Co) struct{} {
			defer func() {
				Spawn(co.cx, late)
				SpawnRemote(rt, remote)
			}()
			Await(co, Sleep(time.Hour))
			return struct{}{}
		}))
		blockOn(t, rt, Sleep(time.Second))
		rt.Close()
		for _, n := range []*never{late, remote} {
			if n.polls != 0 || n.closes != 1 {
				t.Errorf("%d polls, closed %d times, want none, once", n.polls, n.closes)
			}
		}
	})
}

// Property 24.
func TestWakesWhileTheRuntimeClosesAreHarmless(t *testing.T) {
	for range 500 {
		rt := newRuntime(newFakePoller(t)) // which says if it's rung too late
		var wakers []Waker
		for range 8 {
			SpawnRemote(rt, until(func(cx *Context) bool { wakers = append(wakers, cx.Waker()); return false }))
		}
		blockOn(t, rt, Yield())
		var over atomic.Bool
		var waking sync.WaitGroup
		for _, w := range wakers {
			waking.Go(func() {
				for !over.Load() {
					w.Wake()
					runtime.Gosched() // or each turn of the executor would wait until all eight are interrupted
				}
			})
		}
		BlockOn(rt, Sleep(time.Microsecond))
		rt.Close()
		if n := len(rt.injected); n != 0 {
			t.Errorf("the closed runtime keeps %d wakes", n)
		}
		over.Store(true)
		waking.Wait()
	}
}

// wantDeadlock runs f, which must end with the report.
func wantDeadlock[T any](t *testing.T, rt *Runtime, f Future[T], tasks int) {
	t.Helper()
	_, err := BlockOn(rt, f)
	var deadlock *DeadlockError
	if !errors.As(err, &deadlock) || deadlock.Tasks != tasks || rt.Report().Tasks != tasks {
		t.Fatalf("BlockOn ends with %v, want a *DeadlockError, and %d tasks left", err, tasks)
	}
}

// Property 33.
func TestTasksThatWaitForEachOtherAreReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := NewChannel[int](1)
		var a, b *JoinHandle[int]
		a = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, b).Value }))
		b = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, a).Value }))
		SpawnRemote(rt, c.Receive())
		SpawnRemote(rt, Async(func(co *Co) int {
			Await(co, JoinAll(a, Spawn(co.cx, ready(1))))
			return 1
		}))
		SpawnRemote(rt, until(func(*Context) bool { return false }))
		wantDeadlock(t, rt, a, 6)
	})
}

// Property 33.
func TestDeadlockIsSaidInWords(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		SpawnRemote(rt, until(func(*Context) bool { return false }))
		_, err := BlockOn(rt, NewChannel[int](1).Receive())
		if want := (&DeadlockError{2}).Error(); err == nil || err.Error() != want {
			t.Errorf("BlockOn fails with %v, want %s", err, want)
		}
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

// Property 33.
func TestTaskThatWaitsForItselfIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var h *JoinHandle[int]
		h = SpawnRemote(rt, Async(func(co *Co) int { return Await(co, h).Value }))
		wantDeadlock(t, rt, h, 2)
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

// Property 33: the waker of this task was taken out in an earlier poll, and used.
func TestTaskWhoseOutsideWaitIsOverIsStuck(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		wantDeadlock(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
			}
			return false
		}), 1)
		if polls != 2 {
			t.Errorf("%d polls, want 2", polls)
		}
	})
}

// Property 33: an abandoned Read must not look like a way on.
func TestAbandonedReadAndAcceptDoNotHideADeadlock(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantDeadlock(t, rt, Async(func(co *Co) int {
		Await(co, Timeout(s.Read(make([]byte, 1)), time.Millisecond))
		Await(co, Timeout(l.Accept(), time.Millisecond))
		Await(co, NewChannel[int](1).Receive())
		return 1
	}), 1)
}

// Property 33.
func TestTaskThatWaitsForADescriptorIsNotStuck(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	h := SpawnRemote(rt, s.Read(make([]byte, 1)))
	time.AfterFunc(10*time.Millisecond, func() { ignoringEINTR(unix.Write, peer, []byte("x")) })
	if got := blockOn(t, rt, h); got.Value.Value != 1 {
		t.Errorf("got %+v, want one byte", got)
	}
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
				w := cx.Waker()
				time.AfterFunc(time.Hour, func() {
					rt.wakeRemote(&h.task)
					w.Wake()
				})
			}
			return polls == 2
		}))
	})
}
