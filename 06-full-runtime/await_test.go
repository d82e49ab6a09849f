package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Property 1.
func TestBodyStartsAtTheFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		started := false
		c := Async(func(*Co) int { started = true; return 1 })
		before := started
		if blockOn(t, rt, c); before || !started {
			t.Errorf("started before the first poll: %t, after it: %t", before, started)
		}
	})
}

func TestAwaitYieldsTheValue(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		got := blockOn(t, rt, Async(func(co *Co) string {
			Await(co, Sleep(time.Hour))
			return fmt.Sprint(Await(co, ready(1)), Await(co, Async(func(co *Co) int {
				Await(co, Sleep(time.Hour))
				return 2
			})))
		}))
		if want := "1 2"; got != want || time.Since(start) != 2*time.Hour {
			t.Errorf("got %q after %v, want %q after 2h", got, time.Since(start), want)
		}
	})
}

// Property 4.
func TestBodyPolledTooEarlyStaysWhereItIs(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		steps, cx := 0, taskContext(rt)
		c := Async(func(co *Co) int {
			for ; steps < 3; steps++ {
				Await(co, Sleep(time.Hour))
			}
			return 1
		})
		for range 10 {
			c.Poll(cx)
		}
		c.Close()
		if steps != 0 {
			t.Errorf("the body got %d steps ahead, and no time has passed", steps)
		}
	})
}

// Property 22.
func TestBodyThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Async(func(co *Co) int { Await(co, Sleep(time.Hour)); return 1 })
		c.Poll(taskContext(rt))
		blockOn(t, rt, c)
	})
}

// Property 3.
func TestFinishedBodyIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Async(func(*Co) int { return 1 })
		blockOn(t, rt, c)
		wantPanic(t, "Async polled after it finished", func() { c.Poll(taskContext(rt)) })
	})
}

// Property 40.
func TestCancelledBodyUnwindsBeforeItsHandleTells(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got []string
		h := SpawnRemote(rt, Async(func(co *Co) int {
			defer func() { got = append(got, "outer") }()
			defer func() { got = append(got, "inner") }()
			Await(co, Sleep(time.Hour))
			got = append(got, "not reached")
			return 1
		}))
		blockOn(t, rt, Async(func(co *Co) int {
			Await(co, Yield())
			h.Cancel()
			got = append(got, Await(co, h).Err.Error())
			return 1
		}))
		if diff := cmp.Diff([]string{"inner", "outer", "task cancelled"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Property 40, and 36 of what it awaits.
func TestClosedBodyClosesWhatItAwaits(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		c := Async(func(co *Co) int { Await(co, n); return 1 })
		c.Poll(taskContext(rt))
		c.Close()
		c.Close()
		if n.closes != 1 {
			t.Errorf("closed %d times, want once", n.closes)
		}
	})
}

// Property 40.
func TestBodyThatNeverStartedIsNotStartedByClose(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Async(func(*Co) int { t.Error("the body runs"); return 1 })
		c.Close()
		wantPanic(t, "Async polled after it finished", func() { c.Poll(taskContext(rt)) })
	})
}

// Property 40: an Await while unwinding goes on unwinding, and abandons what it
// was to wait for.
func TestAwaitInADeferredCallOfACancelledBody(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n, outer := new(never), false
		c := Async(func(co *Co) int {
			defer func() { outer = true }()
			defer func() { Await(co, n) }()
			Await(co, Sleep(time.Hour))
			return 1
		})
		c.Poll(taskContext(rt))
		c.Close()
		if n.polls != 0 || n.closes != 1 || !outer {
			t.Errorf("%d polls, closed %d times, unwound to the end: %t, want none, once, true", n.polls, n.closes, outer)
		}
	})
}

// Property 40: a recover of the body's own does not bring it back to life.
func TestBodyThatRecoversFromUnwindingIsUnwoundAtItsNextAwait(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n, wentOn, cameBack := new(never), false, false
		c := Async(func(co *Co) int {
			func() {
				defer func() { recover() }()
				Await(co, Sleep(time.Hour))
			}()
			wentOn = true
			Await(co, n)
			cameBack = true
			return 1
		})
		c.Poll(taskContext(rt))
		c.Close()
		if !wentOn || n.polls != 0 || n.closes != 1 || cameBack {
			t.Errorf("went on: %t; the next Await: %d polls, closed %d times, came back: %t; want true, none, once, false", wentOn, n.polls, n.closes, cameBack)
		}
	})
}

// Property 40.
func TestPanicWhileUnwindingIsErrorOfTheHandle(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, Async(func(co *Co) int {
			defer explode()
			Await(co, Sleep(time.Hour))
			return 1
		}))
		blockOn(t, rt, Yield())
		h.Cancel()
		if got := outcome(blockOn(t, rt, h)); got != "task panicked: boom" {
			t.Errorf("outcome %q, want the panic", got)
		}
	})
}

// A panic is told once, by Poll; Close has nothing to add.
func TestBodyThatHasPanickedCanBeClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Async(func(co *Co) int { panic("boom") })
		func() {
			defer func() { recover() }()
			c.Poll(taskContext(rt))
		}()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Property 40: a task that is cancelled may still say goodbye.
func TestCancelledTaskMayWrite(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	h := SpawnRemote(rt, Async(func(co *Co) int {
		defer func() { co.Conn(s).Write([]byte("x")) }()
		defer func() { co.Conn(s).Write([]byte("y")) }()
		Await(co, Sleep(time.Hour))
		return 1
	}))
	SpawnRemote(rt, until(func(cx *Context) bool {
		if rt.Report().Timers == 0 {
			wakeLocal(cx.waker)
			return false
		}
		h.Cancel()
		for cx.takeBudget() { // nothing is left of this task's budget
		}
		return false
	}))
	blockOn(t, rt, h)
	got := make([]byte, 3)
	if n, err := ignoringEINTR(unix.Read, peer, got); n != 2 {
		t.Errorf("the peer got %q, %v, want yx", got[:n], err)
	}
}

// Property 33: a waker that is left behind would look like a way on.
func TestTimedOutReadOfAConnWaitsNoLonger(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	blockOn(t, rt, Async(func(co *Co) int {
		c := co.Conn(s)
		c.SetTimeout(time.Millisecond)
		if _, err := c.Read(make([]byte, 1)); err != os.ErrDeadlineExceeded || rt.reactor.waiting != 0 {
			t.Errorf("Read says %v, and %d wakers are left, want %v, none", err, rt.reactor.waiting, os.ErrDeadlineExceeded)
		}
		return 1
	}))
}

// Conn: what a peer sends a byte at a time does not stretch the time.
func TestTimeoutOfAConnIsForAllReadsTogether(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	reads := 0
	err := blockOn(t, rt, Async(func(co *Co) error {
		c := co.Conn(s)
		defer c.Close()
		c.SetTimeout(20 * time.Millisecond)
		trickle := SpawnRemote(rt, Async(func(co *Co) int {
			for {
				send(t, peer)
				Await(co, Sleep(time.Millisecond))
			}
		}))
		defer trickle.Cancel()
		for ; ; reads++ {
			if _, err := c.Read(make([]byte, 1)); err != nil {
				return err
			}
		}
	}))
	if want := "i/o timeout"; err == nil || err.Error() != want || rt.reactor.waiting != 0 {
		t.Errorf("%d reads, then %v, and %d wakers are left, want %s, none", reads, err, rt.reactor.waiting, want)
	}
}

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
			SpawnRemote(rt, Async(func(co *Co) int {
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
		SpawnRemote(rt, Async(func(co *Co) int {
			Await(co, Sleep(time.Hour))
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
			sends = append(sends, SpawnRemote(rt, full.Send(2)))
			receives = append(receives, SpawnRemote(rt, empty.Receive()))
		}
		SpawnRemote(rt, Async(func(co *Co) int {
			Await(co, Sleep(time.Hour))
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
		h := SpawnRemote(rt, Async(func(co *Co) int {
			for c := NewChannel[int](1); values < 1000*transfersPerPoll; values++ {
				Await(co, c.Send(values))
				Await(co, c.Receive())
			}
			return values
		}))
		for turn := 1; turn <= 10; turn++ {
			blockOn(t, rt, Yield())
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
			tasks = append(tasks, SpawnRemote(rt, Async(func(co *Co) int {
				Await(co, s.Acquire())
				defer s.Release()
				got = append(got, i)
				Await(co, Sleep(time.Second)) // held across an Await
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
