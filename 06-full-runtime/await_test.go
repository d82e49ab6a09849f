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
			Await(co, NewSleep(time.Hour))
			return fmt.Sprint(Await(co, ready(1)), Await(co, Async(func(co *Co) int {
				Await(co, NewSleep(time.Hour))
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
				Await(co, NewSleep(time.Hour))
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
		c := Async(func(co *Co) int { Await(co, NewSleep(time.Hour)); return 1 })
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
		h := Spawn(rt, Async(func(co *Co) int {
			defer func() { got = append(got, "outer") }()
			defer func() { got = append(got, "inner") }()
			Await(co, NewSleep(time.Hour))
			got = append(got, "not reached")
			return 1
		}))
		blockOn(t, rt, Async(func(co *Co) int {
			Await(co, new(Yield))
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
			Await(co, NewSleep(time.Hour))
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
				Await(co, NewSleep(time.Hour))
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
		h := Spawn(rt, Async(func(co *Co) int {
			defer explode()
			Await(co, NewSleep(time.Hour))
			return 1
		}))
		blockOn(t, rt, new(Yield))
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
	h := Spawn(rt, Async(func(co *Co) int {
		defer func() { co.Conn(s).Write([]byte("x")) }()
		defer func() { co.Conn(s).Write([]byte("y")) }()
		Await(co, NewSleep(time.Hour))
		return 1
	}))
	Spawn(rt, until(func(cx *Context) bool {
		if rt.Report().Timers == 0 {
			wakeHere(cx.waker)
			return false
		}
		h.Cancel()
		for rt.mayTransfer(cx) { // nothing is left of this task's budget
		}
		return false
	}))
	blockOn(t, rt, h)
	got := make([]byte, 3)
	if n, err := retry(unix.Read, peer, got); n != 2 {
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
		trickle := Spawn(rt, Async(func(co *Co) int {
			for {
				send(t, peer)
				Await(co, NewSleep(time.Millisecond))
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
