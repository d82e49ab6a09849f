package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
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
		Close(c)
		if steps != 0 {
			t.Errorf("the body is %d steps ahead, but no time has passed", steps)
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

// Properties 40 and 42.
func TestClosedBodyClosesWhatItAwaits(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n := new(never)
		c := Async(func(co *Co) int { Await(co, n); return 1 })
		c.Poll(taskContext(rt))
		Close(c)
		Close(c)
		if n.closes != 1 {
			t.Errorf("what it awaited was closed %d times, want once", n.closes)
		}
	})
}

// polledThenFails fails at its second poll, the first one that has a wake.
func polledThenFails(fail func()) Future[struct{}] {
	polls := 0
	return until(func(cx *Context) bool {
		if polls++; polls == 2 {
			fail()
		}
		wakeLocal(cx.waker)
		return false
	})
}

// Property 42: Await closes what it awaits on every way out.
func TestAwaitClosesWhatFails(t *testing.T) {
	for name, fail := range map[string]func(){"panic": explode, "Goexit": runtime.Goexit} {
		for what, await := range map[string]func(co *Co, f, other Future[struct{}]){
			"Timeout": func(co *Co, f, other Future[struct{}]) { Await(co, Timeout(f, time.Hour)) },
			"JoinAll": func(co *Co, f, other Future[struct{}]) { Await(co, JoinAll(other, f)) },
			"Race":    func(co *Co, f, other Future[struct{}]) { Await(co, Race(other, f)) },
			"Async": func(co *Co, f, other Future[struct{}]) {
				Await(co, Async(func(co *Co) int { Await(co, Race(f, other)); return 1 }))
			},
			"Owning": func(co *Co, f, other Future[struct{}]) { Await(co, Owning(other.(*never), f)) },
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, rt *Runtime) {
					other, recovered := new(never), false
					blockOn(t, rt, Async(func(co *Co) int {
						h := Spawn(co.cx, Async(func(co *Co) int {
							defer func() { recovered = recover() != nil }()
							await(co, polledThenFails(fail), other)
							return 1
						}))
						Await(co, h)
						return 1
					}))
					left := rt.Report()
					if want := what != "Timeout"; (other.closes == 1) != want || left != (Report{}) || recovered != (name == "panic") {
						t.Errorf("the other future was closed %d times, left: %+v, recovered: %t", other.closes, left, recovered)
					}
				})
			})
		}
	}
}

// Property 40.
func TestBodyThatNeverStartedIsNotStartedByClose(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Async(func(*Co) int { t.Error("the body runs"); return 1 })
		Close(c)
		wantPanic(t, "Async polled after it finished", func() { c.Poll(taskContext(rt)) })
	})
}

// Property 40: an Await of a body that is unwound unwinds it further. It owns
// its future all the same.
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
		Close(c)
		if n.polls != 0 || n.closes != 1 || !outer {
			t.Errorf("%d polls, closed %d times, unwound to the end: %t, want none, once, true", n.polls, n.closes, outer)
		}
	})
}

// Property 40: a recover in the body doesn't bring the body back to life.
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
		Close(c)
		if !wentOn || n.polls != 0 || n.closes != 1 || cameBack {
			t.Errorf("went on: %t; the next Await: %d polls, closed %d times, came back: %t; want true, none, once, false", wentOn, n.polls, n.closes, cameBack)
		}
	})
}

// Property 43: a body that recovers and returns has no receiver for its value.
func TestValueOfABodyThatWasClosedIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		value := new(never)
		c := Async(func(co *Co) (n *never) {
			defer func() { recover(); n = value }()
			Await(co, Sleep(time.Hour))
			return nil
		})
		c.Poll(taskContext(rt))
		if Close(c); value.closes != 1 {
			t.Errorf("the value was closed %d times, want once", value.closes)
		}
	})
}

// Property 40.
func TestPanicWhileUnwindingIsErrorOfTheHandle(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		reportsOf(rt) // it ends before anything awaits it
		h := SpawnRemote(rt, Async(func(co *Co) int {
			defer explode()
			Await(co, Sleep(time.Hour))
			return 1
		}))
		blockOn(t, rt, Yield())
		h.Cancel()
		if got := outcome(blockOn(t, rt, h)); got != "task panicked: boom" {
			t.Errorf("the outcome is %q, want the panic", got)
		}
	})
}

// Poll has told of the panic. Close has nothing to add.
func TestBodyThatHasPanickedCanBeClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Async(func(co *Co) int { panic("boom") })
		func() {
			defer func() { recover() }()
			c.Poll(taskContext(rt))
		}()
		if err := Close(c); err != nil {
			t.Error(err)
		}
	})
}

// Property 40: a cancelled task may still say goodbye, even if the task that
// cancels it has used up its budget.
func TestCancelledTaskMayWrite(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	h := SpawnRemote(rt, Async(func(co *Co) int {
		defer func() { co.Conn(s).Write([]byte("x")) }()
		defer func() { co.Conn(s).Write([]byte("y")) }()
		Await(co, Sleep(time.Hour))
		return 1
	}))
	blockOn(t, rt, Async(func(co *Co) int {
		Await(co, Yield())
		h.Cancel()
		for co.cx.takeBudget() {
		}
		Await(co, h)
		return 1
	}))
	got := make([]byte, 3)
	if n, err := ignoringEINTR(unix.Read, peer, got); n != 2 {
		t.Errorf("the peer got %q, %v, want yx", got[:n], err)
	}
}

// Property 42, fault 4: cancelling a Read abandons the wait, and not the connection.
func TestCancelledReadOfAConnLeavesTheStreamOpen(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	err := blockOn(t, rt, Async(func(co *Co) error {
		reader := Spawn(co.cx, Async(func(co *Co) error {
			_, err := co.Conn(s).Read(make([]byte, 1))
			return err
		}))
		Await(co, Yield())
		reader.Cancel()
		if got := Await(co, reader); got.Err != ErrCancelled || waitingFor(rt) != 0 {
			t.Errorf("the reader ends with %+v, and %d wakers are left, want %v, none", got, waitingFor(rt), ErrCancelled)
		}
		_, err := co.Conn(s).Write([]byte("x"))
		return err
	}))
	if n, _ := ignoringEINTR(unix.Read, peer, make([]byte, 2)); err != nil || n != 1 {
		t.Errorf("Write fails with %v, and the peer gets %d bytes, want one", err, n)
	}
}

// Property 33: a waker that is left behind would hide a deadlock.
func TestTimedOutReadOfAConnWaitsNoLonger(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	blockOn(t, rt, Async(func(co *Co) int {
		c := co.Conn(s)
		c.SetTimeout(time.Millisecond)
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != os.ErrDeadlineExceeded || waitingFor(rt) != 0 || rt.Report().Timers != 0 {
			t.Errorf("Read says %d, %v; left: %d wakers, %+v; want 0, %v, and none", n, err, waitingFor(rt), rt.Report(), os.ErrDeadlineExceeded)
		}
		c.SetTimeout(0)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Errorf("without a limit, Write fails with %v", err)
		}
		return 1
	}))
}

// Fault 7: the clock starts with SetTimeout, and neither a peer that trickles nor
// one that never pauses stretches the time.
func TestTimeoutOfAConnIsForAllReadsTogether(t *testing.T) {
	const limit = 20 * time.Millisecond
	for name, peerOf := range map[string]func(co *Co, peer int){
		"late":       func(co *Co, peer int) { sendByte(t, peer); Await(co, Sleep(3*limit)) },
		"trickling":  func(co *Co, peer int) { Spawn(co.cx, Async(func(co *Co) int { return trickle(t, co, peer) })) },
		"never ends": func(co *Co, peer int) { fill(t, peer) },
	} {
		t.Run(name, func(t *testing.T) {
			rt := openRuntime(t)
			s, peer := openStream(t, rt)
			start := time.Now()
			err := blockOn(t, rt, Async(func(co *Co) error {
				c := co.Conn(s)
				defer c.Close()
				c.SetTimeout(limit)
				peerOf(co, peer)
				for time.Since(start) < 10*time.Second {
					if _, err := c.Read(make([]byte, 1)); err != nil {
						return err
					}
					if name == "never ends" {
						unix.Write(peer, make([]byte, 1))
					}
				}
				return nil
			}))
			if err != os.ErrDeadlineExceeded || waitingFor(rt) != 0 {
				t.Errorf("after %v Read says %v, and %d wakers are left, want %v, none", time.Since(start), err, waitingFor(rt), os.ErrDeadlineExceeded)
			}
		})
	}
}

func trickle(t *testing.T, co *Co, fd int) int {
	for {
		unix.Write(fd, []byte("x"))
		Await(co, Sleep(time.Millisecond))
	}
}

// Property 36.
func TestLoserOfARaceIsClosedBeforeTheValueIsSeen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		first, second, cx := new(never), new(never), taskContext(rt)
		if either, ready := Race(ready(1), first).Poll(cx); !ready || !either.First || either.A != 1 || first.closes != 1 {
			t.Errorf("got %+v, %t, and the loser was closed %d times, want once", either, ready, first.closes)
		}
		if either, ready := Race(second, ready(2)).Poll(cx); !ready || either.First || either.B != 2 || second.closes != 1 {
			t.Errorf("got %+v, %t, and the loser was closed %d times, want once", either, ready, second.closes)
		}
	})
}

// Property 36.
func TestLoserOfARaceLeavesNothing(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	s, _ := openStream(t, rt)
	before := rt.Report()
	for name, loser := range map[string]Future[struct{}]{
		"Sleep": Sleep(time.Hour),
		"Dial":  discard(Dial(fullBacklog(t))),
		"Read":  discard(s.Read(make([]byte, 1))),
	} {
		blockOn(t, rt, Race(loser, Yield()))
		if after := rt.Report(); after != before || waitingFor(rt) != 0 {
			t.Errorf("%s: after the race %+v with %d wakers, before it %+v with none", name, after, waitingFor(rt), before)
		}
	}
}

// discarded is a future without its value.
type discarded[T any] struct{ future Future[T] }

func discard[T any](f Future[T]) Future[struct{}] { return discarded[T]{f} }

func (d discarded[T]) Poll(cx *Context) (struct{}, bool) {
	_, ready := d.future.Poll(cx)
	return struct{}{}, ready
}

func (d discarded[T]) Close() error { return Close(d.future) }

// Property 42.
func TestAbandonedRaceClosesBoth(t *testing.T) {
	a, b := new(never), new(never)
	r := Race(a, b)
	Close(r)
	Close(r)
	if a.closes != 1 || b.closes != 1 {
		t.Errorf("closed %d and %d times, want once each", a.closes, b.closes)
	}
}

// Property 32: a panic of one Close is no reason to leave others open.
func TestPanicInCloseLeavesNothingElseOpen(t *testing.T) {
	for name, own := range map[string]func(a, b Future[struct{}]) any{
		"JoinAll": func(a, b Future[struct{}]) any { return JoinAll(a, b) },
		"Race":    func(a, b Future[struct{}]) any { return Race(a, b) },
		"Owning":  func(a, b Future[struct{}]) any { return Owning(b.(*never), a) },
	} {
		a, b := new(badClose), new(never)
		func() {
			defer func() { recover() }()
			Close(own(a, b))
		}()
		if a.closes != 1 || b.closes != 1 {
			t.Errorf("%s has closed its futures %d and %d times, want once each", name, a.closes, b.closes)
		}
	}
}

// Properties 42 and 43: a loser that panics in Close isn't closed again, and the
// winner's value has no receiver.
func TestLoserIsClosedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for range 10 { // either may be polled first
			b, value := new(badClose), new(never)
			if _, err := BlockOn(rt, Race(ready(value), b)); err == nil || b.closes != 1 || value.closes != 1 {
				t.Fatalf("BlockOn fails with %v, the loser was closed %d times, the value %d times, want once each", err, b.closes, value.closes)
			}
		}
	})
}

// failedClose is never ready, and its Close fails.
type failedClose struct{ never }

func (f *failedClose) Close() error {
	f.never.Close()
	return errFailed
}

// Property 42: what fails in a Close isn't lost on the way.
func TestCloseTellsWhatFailed(t *testing.T) {
	for name, own := range map[string]func(f Future[struct{}]) any{
		"Timeout": func(f Future[struct{}]) any { return Timeout(f, time.Hour) },
		"Race":    func(f Future[struct{}]) any { return Race(f, Yield()) },
		"JoinAll": func(f Future[struct{}]) any { return JoinAll(Yield(), f) },
		"Owning":  func(f Future[struct{}]) any { return Owning(new(never), f) },
		"Counted": func(f Future[struct{}]) any { return Counted(f, new(int)) },
	} {
		f := new(failedClose)
		closing := own(f)
		if err := Close(closing); !errors.Is(err, errFailed) || f.closes != 1 {
			t.Errorf("%s: Close says %v and has closed its future %d times, want %v, once", name, err, f.closes, errFailed)
		}
	}
}

// Fault 11: while all processors compute, each yield of the runtime takes some 10
// ms. So it yields before a park only if a goroutine may be about to wake a task.
func TestRuntimeYieldsOnlyAfterAWakerHasLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		blockOn(t, rt, Async(func(co *Co) int {
			for range 3 {
				Await(co, Sleep(time.Second))
				before := rt.handedOut
				if co.cx.Waker(); before || !rt.handedOut {
					t.Errorf("yields after a Sleep: %t, after a waker has left: %t", before, rt.handedOut)
				}
			}
			return 1
		}))
	})
}
