package main

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// wantDeadlock runs f, which must end with the report.
func wantDeadlock[T any](t *testing.T, rt *Runtime, f Future[T], want ...string) {
	t.Helper()
	_, err := BlockOn(rt, f)
	var deadlock *DeadlockError
	if !errors.As(err, &deadlock) {
		t.Fatalf("BlockOn ends with %v, want a *DeadlockError", err)
	}
	if diff := cmp.Diff(want, deadlock.Tasks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Property 33.
func TestTasksThatWaitForEachOtherAreReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, c := NewSemaphore(0), NewChannel[int](1)
		var a, b *JoinHandle[int]
		a = Spawn(rt, Async(func(co *Co) int { return Await(co, b).Value }))
		b = Spawn(rt, Async(func(co *Co) int { return Await(co, a).Value }))
		Spawn(rt, s.Acquire())
		Spawn(rt, c.Receive())
		Spawn(rt, Async(func(co *Co) int {
			Await(co, c.Send(1))
			Await(co, c.Receive())
			Await(co, JoinAll[Result[int]](a, Spawn(rt, ready(1))))
			return 1
		}))
		Spawn(rt, until(func(*Context) bool { return false }))
		wantDeadlock(t, rt, a,
			"task 1 waits for task 2",
			"task 2 waits for task 1",
			"task 3 waits for a permit of a Semaphore (1 wait)",
			"task 5 waits for a value from a Channel (1 wait)",
			"task 6 is pending, but has asked nobody to wake it",
			"task 7 waits for task 1",
		)
	})
}

// Property 33.
func TestDeadlockInsideAJoinAllIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		wantDeadlock(t, rt, JoinAll[struct{}](NewSemaphore(0).Acquire(), NewSleep(time.Second)),
			"task 1 waits for 1 of 2 in a JoinAll, one of them for a permit of a Semaphore (1 wait)")
	})
}

// Property 33: a task that waits for itself.
func TestTaskThatWaitsForItselfIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var h *JoinHandle[int]
		h = Spawn(rt, Async(func(co *Co) int { return Await(co, h).Value }))
		wantDeadlock(t, rt, h, "task 1 waits for task 1", "task 2 waits for task 1")
	})
}

// Property 33: from the next BlockOn they may go on.
func TestRuntimeGoesOnAfterADeadlock(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := NewSemaphore(0)
		wantDeadlock(t, rt, s.Acquire(), "task 1 waits for a permit of a Semaphore (1 wait)")
		s.Release()
		blockOn(t, rt, NewSleep(time.Second))
		if n := rt.Report().Tasks; n != 0 {
			t.Errorf("%d tasks are left, want none: the permit is there", n)
		}
	})
}

// Property 33.
func TestWhoCanBeWokenFromOutsideIsNotStuck(t *testing.T) {
	later := func(cx *Context) bool {
		time.AfterFunc(time.Hour, cx.Waker().Wake)
		return false
	}
	for name, f := range map[string]func() Future[struct{}]{
		"timer":    func() Future[struct{}] { return NewSleep(time.Hour) },
		"Blocking": func() Future[struct{}] { return Blocking(func() struct{} { time.Sleep(time.Hour); return struct{}{} }) },
		"waker": func() Future[struct{}] {
			polls := 0
			return until(func(cx *Context) bool { polls++; return polls == 2 || later(cx) })
		},
		"waker in a JoinAll whose other child goes on": func() Future[struct{}] {
			polls := 0
			return discard(JoinAll(
				until(func(cx *Context) bool { polls++; return polls == 2 || later(cx) }),
				discard(Async(func(co *Co) int {
					for range 10 {
						Await(co, new(Yield))
					}
					return 1
				})),
			))
		},
		"waker in a Race in a body": func() Future[struct{}] {
			polls := 0
			return discard(Async(func(co *Co) int {
				Await(co, Race(NewSemaphore(0).Acquire(), until(func(cx *Context) bool { polls++; return polls == 2 || later(cx) })))
				return 1
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				start := time.Now()
				Spawn(rt, Async(func(co *Co) int { Await(co, NewSemaphore(0).Acquire()); return 1 }))
				blockOn(t, rt, Async(func(co *Co) int { Await(co, Spawn(rt, f())); return 1 }))
				if got := time.Since(start); got > time.Hour {
					t.Errorf("it took %v, want at most 1h", got)
				}
			})
		})
	}
}

// Property 33: who else would know of the goroutine?
func TestRuntimeWaitsForTheGoroutineThatATaskWaitsFor(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, sent := NewChannel[int](1), make(chan struct{})
		time.AfterFunc(time.Hour, func() {
			Spawn(rt, c.Send(7))
			close(sent)
		})
		got := blockOn(t, rt, Async(func(co *Co) int {
			goroutine := Spawn(rt, Blocking(func() struct{} { <-sent; return struct{}{} }))
			value := Await(co, c.Receive()).Value
			Await(co, goroutine)
			return value
		}))
		if got != 7 {
			t.Errorf("got %d, want the 7 that the goroutine had sent", got)
		}
	})
}

// Property 33: its waker was used up, and the child is ready.
func TestJoinAllWhoseOutsideChildHasEndedIsStuck(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		_, err := BlockOn(rt, JoinAll(NewSemaphore(0).Acquire(), until(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
			}
			return polls == 2
		})))
		if err == nil || !strings.Contains(err.Error(), "deadlock") {
			t.Errorf("BlockOn ends with %v, want a deadlock", err)
		}
	})
}

// Property 33: an abandoned Read is no reason to hope.
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
		Await(co, NewSemaphore(0).Acquire())
		return 1
	}), "task 1 waits for a permit of a Semaphore (1 wait)")
}

// Property 33: a descriptor.
func TestWhoWaitsForADescriptorIsNotStuck(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	h := Spawn(rt, s.Read(make([]byte, 1)))
	time.AfterFunc(10*time.Millisecond, func() { retry(unix.Write, peer, []byte("x")) })
	if got := blockOn(t, rt, h); got.Value.Value != 1 {
		t.Errorf("got %+v, want one byte", got)
	}
}

// Property 33: it is marked as queued, and not yet in the queue.
func TestTaskThatIsBeingWokenIsNotStuck(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := Spawn(rt, until(func(*Context) bool { return false }))
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				h.task.queued.Store(true) // what Cancel does first
				h.task.cancel.Store(true)
				time.AfterFunc(time.Hour, func() {
					rt.wakeFromOutside(&h.task)
					cx.task.Wake()
				})
			}
			return polls == 2
		}))
	})
}
