package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Property 31.
func TestCloseCancelsWhatIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		h := Spawn(rt, n)
		blockOn(t, rt, new(Yield))
		rt.Close()
		if h.err != ErrCancelled || n.closes != 1 {
			t.Errorf("%v, closed %d times, want %v, once", h.err, n.closes, ErrCancelled)
		}
	})
}

func TestCloseTwiceDoesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) { // the queue says if it is closed again
		rt.Close()
		rt.Close()
	})
}

// Property 41, of the report.
func TestReportCountsWhatThereIs(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	over := make(chan struct{})
	call := Spawn(rt, Blocking(func() struct{} { <-over; return struct{}{} }))
	Spawn(rt, NewSleep(time.Hour))
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

// Property 32.
func TestFaultInACloseDoesNotKeepOthersOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var want, got []string
		for i := range 10 {
			want = append(want, fmt.Sprint("unwound ", 9-i))
			Spawn(rt, Async(func(co *Co) struct{} {
				defer func() {
					got = append(got, fmt.Sprint("unwound ", i))
					if i%3 == 1 {
						panic("boom")
					} else if i%3 == 2 {
						runtime.Goexit()
					}
				}()
				Await(co, NewSleep(time.Hour))
				return struct{}{}
			}))
		}
		blockOn(t, rt, NewSleep(time.Second))
		rt.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTaskSpawnedWhileUnwindingIsCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		late := new(never)
		Spawn(rt, Async(func(co *Co) struct{} {
			defer func() { Spawn(rt, late) }()
			Await(co, NewSleep(time.Hour))
			return struct{}{}
		}))
		blockOn(t, rt, NewSleep(time.Second))
		rt.Close()
		if late.polls != 0 || late.closes != 1 {
			t.Errorf("%d polls, closed %d times, want none, once", late.polls, late.closes)
		}
	})
}

// Property 24.
func TestWakesWhileTheRuntimeClosesAreHarmless(t *testing.T) {
	for range 500 {
		rt := newRuntime(newFakeQueue(t)) // which says if it is rung too late
		var wakers []Waker
		for range 8 {
			Spawn(rt, until(func(cx *Context) bool { wakers = append(wakers, cx.Waker()); return false }))
		}
		blockOn(t, rt, new(Yield))
		var over atomic.Bool
		var waking sync.WaitGroup
		for _, w := range wakers {
			waking.Go(func() {
				for !over.Load() {
					w.Wake()
					runtime.Gosched() // else each turn of the executor waits for eight of these to be interrupted
				}
			})
		}
		BlockOn(rt, NewSleep(time.Microsecond))
		rt.Close()
		over.Store(true)
		waking.Wait()
	}
}

// Property 24: the numbers of the queue are another's by now.
func TestStreamClosedAfterTheRuntimeMeetsNobodyElse(t *testing.T) {
	first := openRuntime(t)
	s, _ := openStream(t, first)
	if left := first.Close(); left.Descriptors != 1 {
		t.Errorf("Close reports %+v, want 1 descriptor", left)
	}
	second := openRuntime(t) // likely to have the same numbers
	twin := &source{fd: s.fd}
	if err := second.reactor.add(twin); err != nil {
		t.Fatal(err)
	}
	second.reactor.store(twin, writable, new(countedWaker))
	first.reactor.queue.remove(s.fd)
	deliver(t, second)
	if !twin.ready[writable] {
		t.Error("the closed runtime has deregistered a descriptor of the next one")
	}
	second.reactor.remove(twin)
	s.Close()
}
