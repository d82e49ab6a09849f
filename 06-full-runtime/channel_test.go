package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func receiveAll[T any](co *Co, c *Channel[T]) (got []T) {
	for {
		r := Await(co, c.Receive())
		if !r.OK {
			return got
		}
		got = append(got, r.Value)
	}
}

func TestValuesComeInTheOrderOfSend(t *testing.T) {
	for _, size := range []int{0, 1, 3, 1000} {
		inBubble(t, func(t *testing.T, rt *Runtime) {
			c := NewChannel[int](size)
			var want []int
			for i := range 100 {
				want = append(want, i)
			}
			Spawn(rt, Async(func(co *Co) int {
				for _, i := range want {
					Await(co, c.Send(i))
				}
				c.Close()
				return 1
			}))
			got := blockOn(t, rt, Async(func(co *Co) []int { return receiveAll(co, c) }))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("size %d (-sent +received):\n%s", size, diff)
			}
		})
	}
}

func TestSenderWaitsForAPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, start := NewChannel[int](2), time.Now()
		Spawn(rt, Async(func(co *Co) int {
			Await(co, NewSleep(time.Hour))
			Await(co, c.Receive())
			return 1
		}))
		blockOn(t, rt, Async(func(co *Co) int {
			for i := range 3 {
				Await(co, c.Send(i))
			}
			return 1
		}))
		if got := time.Since(start); got != time.Hour {
			t.Errorf("the third Send into two places took %v, want 1h", got)
		}
	})
}

func TestClosedChannelWakesAllWhoWait(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		full, empty := NewChannel[int](1), NewChannel[int](1)
		blockOn(t, rt, full.Send(1))
		var sends []Future[Result[error]]
		var receives []Future[Result[Received[int]]]
		for range 3 {
			sends = append(sends, Spawn(rt, full.Send(2)))
			receives = append(receives, Spawn(rt, empty.Receive()))
		}
		Spawn(rt, Async(func(co *Co) int {
			Await(co, NewSleep(time.Hour))
			full.Close()
			empty.Close()
			return 1
		}))
		for _, r := range blockOn(t, rt, JoinAll(sends...)) {
			if r.Value != ErrChannelClosed {
				t.Errorf("Send yields %v, want %v", r.Value, ErrChannelClosed)
			}
		}
		for _, r := range blockOn(t, rt, JoinAll(receives...)) {
			if r.Value.OK {
				t.Errorf("Receive yields %+v, want that it is closed", r.Value)
			}
		}
		if got := blockOn(t, rt, full.Receive()); got != (Received[int]{1, true}) {
			t.Errorf("what was sent before is received as %+v", got)
		}
	})
}

// Property 29: who sends to himself never has to wait for anybody.
func TestWhoAlwaysFindsAPermitTakesTurns(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		values := 0
		h := Spawn(rt, Async(func(co *Co) int {
			for c := NewChannel[int](1); values < 1000*transfersPerPoll; values++ {
				Await(co, c.Send(values))
				Await(co, c.Receive())
			}
			return values
		}))
		for turn := 1; turn <= 10; turn++ {
			blockOn(t, rt, new(Yield))
			if most := turn * transfersPerPoll; values == 0 || values > most { // two permits a value, two polls a turn
				t.Fatalf("turn %d of another task came after %d values, want 1 to %d", turn, values, most)
			}
		}
		h.Cancel()
	})
}

// Property 29: not ready, and closed, does not mean that it was all.
func TestSpentBudgetIsNotTheEndOfAChannel(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		const values = 3 * transfersPerPoll
		got := blockOn(t, rt, Async(func(co *Co) int {
			c := NewChannel[int](values)
			for i := range values {
				Await(co, c.Send(i))
			}
			c.Close()
			return len(receiveAll(co, c))
		}))
		if got != values {
			t.Errorf("%d values were received from the closed channel, want %d", got, values)
		}
	})
}

// Whoever gives up after it was its turn passes it on.
func TestPermitOfAnAbandonedWaiterGoesOn(t *testing.T) {
	for name, poll := range map[string]bool{"waiting": false, "granted": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				s, cx := NewSemaphore(1), taskContext(rt)
				s.Acquire().Poll(cx)
				first, second := s.Acquire(), s.Acquire()
				first.Poll(cx)
				second.Poll(cx)
				if poll {
					s.Release() // grants it to the first
				}
				first.Close()
				first.Close()
				if !poll {
					s.Release()
				}
				if _, ready := second.Poll(cx); !ready {
					t.Error("the second one waits for ever")
				}
			})
		})
	}
}

func TestValueOfAnAbandonedReceiverIsForTheNext(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, cx := NewChannel[int](1), taskContext(rt)
		first, second := c.Receive(), c.Receive()
		first.Poll(cx)
		second.Poll(cx)
		c.Send(7).Poll(cx) // granted to the first
		first.Close()
		if got, ready := second.Poll(cx); !ready || got.Value != 7 {
			t.Errorf("got %+v, %t, want 7", got, ready)
		}
	})
}

func TestPermitsAreHandedOverInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := NewSemaphore(1)
		var got, want []int
		var tasks []Future[Result[int]]
		for i := range 10 {
			want = append(want, i, i)
			tasks = append(tasks, Spawn(rt, Async(func(co *Co) int {
				Await(co, s.Acquire())
				defer s.Release()
				got = append(got, i)
				Await(co, NewSleep(time.Second)) // held across an Await
				got = append(got, i)
				return 1
			})))
		}
		blockOn(t, rt, JoinAll(tasks...))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A permit that is handed over cannot be overtaken by who comes now.
func TestGrantedPermitIsNotOvertaken(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, cx := NewSemaphore(1), taskContext(rt)
		s.Acquire().Poll(cx)
		s.Acquire().Poll(cx)
		s.Release()
		if _, ready := s.Acquire().Poll(cx); ready {
			t.Error("somebody who came later has the permit of who waited")
		}
	})
}

// Property 3.
func TestFinishedAcquireIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, cx := NewSemaphore(1).Acquire(), taskContext(rt)
		a.Poll(cx)
		wantPanic(t, "Acquire polled after it finished", func() { a.Poll(cx) })
	})
}
