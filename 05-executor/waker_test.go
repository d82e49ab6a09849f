package main

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Property 26.
func TestWakeDuringPollPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			if polls++; polls == 1 {
				cx.Waker().Wake()
			}
			return "", polls == 2
		}))
	})
}

// Property 26: here the wake is over, on another goroutine, before Poll returns.
func TestWakeFromElsewhereDuringPollPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var wakes sync.WaitGroup
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			if polls++; polls == 1 {
				wakes.Go(cx.Waker().Wake)
				wakes.Wait()
			}
			return "", polls == 2
		}))
	})
}

// Property 25: no token of an earlier wake may stand in for a later one.
func TestWakeDuringEachOfManyPollsPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const rounds = 1000
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			go cx.Waker().Wake()
			polls++
			return "", polls >= rounds
		}))
	})
}

// Property 4: a wake is a hint, the poll may find nothing.
func TestWakeForNothingIsHarmless(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		polls := 0
		got := runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			if polls++; polls == 3 {
				return "hello", true
			}
			cx.Waker().Wake()
			return "", false
		}))
		if got != "hello" {
			t.Errorf("got %q after wakes for nothing, want hello", got)
		}
	})
}

// Property 24.
func TestWakesFromEightGoroutinesLoseNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const goroutines, wakes = 8, 1000
		var left atomic.Int64
		left.Store(goroutines * wakes)
		var start sync.Once
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			start.Do(func() {
				for range goroutines {
					go func() {
						for range wakes {
							left.Add(-1)
							cx.Waker().Wake() // the last one of all must be seen
						}
					}()
				}
			})
			return "", left.Load() == 0
		}))
	})
}

// Property 24.
func TestWakeAfterFinishIsHarmless(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var waker Waker
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			waker = cx.Waker()
			polls++
			return "", true
		}))
		var wakes sync.WaitGroup
		for range 8 {
			wakes.Go(waker.Wake)
		}
		wakes.Wait()
		if polls != 1 {
			t.Errorf("%d polls, want 1: it had finished", polls)
		}
	})
}

// Property 22.
func TestOnlyLatestWakerIsWoken(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	var early atomic.Int64
	late := NewParker()
	register(t, r, fd, readable, wakeFunc(func() { early.Add(1) }))
	register(t, r, fd, readable, late)
	send(t, peer)
	late.Park()
	r.Close() // now the reactor's goroutine has ended
	if early.Load() != 0 {
		t.Error("the waker of an earlier poll was woken")
	}
}
