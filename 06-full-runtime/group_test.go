package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var errFailed = errors.New("failed")

// failingAfter is a future that yields err after d.
func failingAfter(d time.Duration, err error) Future[error] {
	return Async(func(co *Co) error { Await(co, Sleep(d)); return err })
}

// idle is a child of a group that is never ready.
type idle struct{ never }

func (i *idle) Poll(cx *Context) (error, bool) {
	i.never.Poll(cx)
	return nil, false
}

// inGroup runs a body that has a group.
func inGroup(t *testing.T, body func(t *testing.T, rt *Runtime, co *Co, g *Group)) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		blockOn(t, rt, Async(func(co *Co) int {
			g := NewGroup(co.cx)
			defer g.Close()
			body(t, rt, co, g)
			return 1
		}))
	})
}

// Property 45.
func TestGroupWaitsForAllItsTasks(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		start := time.Now()
		for i := range 10 {
			g.Go(failingAfter(time.Duration(i)*time.Minute, nil))
		}
		if err := Await(co, g.Wait()); err != nil || time.Since(start) != 9*time.Minute {
			t.Errorf("Wait yields %v after %v, want nil after 9m", err, time.Since(start))
		}
	})
}

// Property 45: when all have ended before, or when there were none.
func TestWaitAfterTheEndIsReadyAtOnce(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		for range 2 {
			if err, ready := g.Wait().Poll(co.cx); err != nil || !ready {
				t.Errorf("an empty group: Wait yields %v, %t, want nil, true", err, ready)
			}
		}
		g.Go(ready[error](nil))
		g.Go(ready(errFailed))
		Await(co, Sleep(time.Second))
		for range 2 {
			if err, ready := g.Wait().Poll(co.cx); err != errFailed || !ready {
				t.Errorf("Wait yields %v, %t, want %v, true", err, ready, errFailed)
			}
		}
	})
}

// A group may be used again and again, and doesn't keep what has ended.
func TestGroupForgetsTasksThatHaveEnded(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		for range 1000 {
			g.Go(ready[error](nil))
			Await(co, Yield())
		}
		g.Go(failingAfter(time.Hour, nil))
		if n := len(g.members); n > 10 {
			t.Errorf("the group keeps %d members, and only one runs", n)
		}
		if err := Await(co, g.Wait()); err != nil {
			t.Error(err)
		}
	})
}

// Property 45: Go starts f at once, without a Wait.
func TestGoStartsItsFuture(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		started := false
		g.Go(Async(func(co *Co) error { started = true; return nil }))
		if Await(co, Yield()); !started {
			t.Error("it hasn't started after a turn")
		}
	})
}

// Property 45.
func TestFirstFailureCancelsTheOthers(t *testing.T) {
	for name, fail := range map[string]struct {
		future func() Future[error]
		want   string
	}{
		"error": {func() Future[error] { return ready(errFailed) }, errFailed.Error()},
		"panic": {func() Future[error] {
			return pollFunc[error](func(*Context) (error, bool) { explode(); return nil, true })
		}, panicked},
		"Goexit": {func() Future[error] {
			return pollFunc[error](func(*Context) (error, bool) { runtime.Goexit(); return nil, true })
		}, exited},
		"Goexit in a coroutine": {func() Future[error] {
			return Async(func(co *Co) error { Await(co, Yield()); runtime.Goexit(); return nil })
		}, exited},
	} {
		t.Run(name, func(t *testing.T) {
			inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
				start, before, after, unwound := time.Now(), new(idle), new(idle), false
				g.Go(before)
				g.Go(Async(func(co *Co) error {
					defer func() { unwound = true }()
					Await(co, Sleep(time.Hour))
					return errors.New("a later failure")
				}))
				g.Go(fail.future())
				g.Go(after)
				err := Await(co, g.Wait())
				if err == nil || err.Error() != fail.want || time.Since(start) != 0 {
					t.Errorf("Wait yields %v after %v, want %s at once", err, time.Since(start), fail.want)
				}
				if before.closes != 1 || after.closes != 1 || !unwound || rt.Report().Tasks != 1 {
					t.Errorf("the others were closed %d and %d times, unwound: %t, and %d tasks are left; want once each, true, this one", before.closes, after.closes, unwound, rt.Report().Tasks)
				}
			})
		})
	}
}

// Property 45: Wait is not ready before the cancelled ones have ended.
func TestWaitYieldsTheFirstFailureAfterAllHaveEnded(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		var got []string
		for i := range 3 {
			g.Go(Async(func(co *Co) error {
				defer func() { got = append(got, fmt.Sprint("unwound ", i)) }()
				Await(co, Sleep(time.Hour))
				return nil
			}))
		}
		g.Go(failingAfter(time.Second, errFailed))
		err := Await(co, g.Wait())
		slices.Sort(got)
		got = append(got, err.Error())
		if diff := cmp.Diff([]string{"unwound 0", "unwound 1", "unwound 2", "failed"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Property 44: Wait can yield only one failure. A panic after it is reported.
func TestSecondPanicOfAGroupIsReported(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		reports := reportsOf(rt)
		g.Go(Async(func(co *Co) error {
			defer explode()
			Await(co, Sleep(time.Hour))
			return nil
		}))
		g.Go(failingAfter(time.Second, errFailed))
		if err := Await(co, g.Wait()); err != errFailed {
			t.Errorf("Wait yields %v, want %v", err, errFailed)
		}
		wantReport(t, reports, "task 2", panicked)
	})
}

// Property 44: nothing waits for this group.
func TestPanicInAGroupWithoutWaitIsReported(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		reports := reportsOf(rt)
		g.Go(pollFunc[error](func(*Context) (error, bool) { explode(); return nil, true }))
		Await(co, Yield())
		g.Close()
		g.Close()
		wantReport(t, reports, "task 2", panicked)
	})
}

// Property 45: the group owns the future in any case.
func TestGoAfterAFailureClosesItsFuture(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		g.Go(ready(errFailed))
		Await(co, Yield())
		late := new(idle)
		if g.Go(late); late.polls != 0 || late.closes != 1 {
			t.Errorf("after a failure: %d polls, closed %d times, want none, once", late.polls, late.closes)
		}
		if err := Await(co, g.Wait()); err != errFailed {
			t.Errorf("Wait yields %v, want %v", err, errFailed)
		}
		g = NewGroup(co.cx)
		g.Close()
		late = new(idle)
		if g.Go(late); late.polls != 0 || late.closes != 1 {
			t.Errorf("after Close: %d polls, closed %d times, want none, once", late.polls, late.closes)
		}
	})
}

// Property 45: on the spot, whether a child has been polled or not.
func TestCloseOfAGroupClosesEveryChild(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		children, unwound := make([]idle, 10), false
		for i := range children {
			if i == 5 {
				Await(co, Yield())
			}
			g.Go(&children[i])
		}
		g.Go(Owning(ownedBy(&unwound), Async(func(co *Co) error { return nil })))
		for range 2 {
			g.Close()
		}
		for i := range children {
			if c := &children[i]; c.closes != 1 || (c.polls > 0) != (i < 5) {
				t.Errorf("child %d: %d polls, closed %d times, want once", i, c.polls, c.closes)
			}
		}
		if n := rt.Report().Tasks; n != 1 || !unwound {
			t.Errorf("%d tasks are left, and the owned resource is closed: %t; want only this one, true", n, unwound)
		}
		if err := Await(co, g.Wait()); err != ErrCancelled {
			t.Errorf("Wait yields %v, want %v", err, ErrCancelled)
		}
	})
}

// closeFunc is an io.Closer made of its Close.
type closeFunc func()

func (f closeFunc) Close() error { f(); return nil }

func ownedBy(closed *bool) closeFunc { return func() { *closed = true } }

// Property 45: one that fails while it's closed keeps no other one open.
func TestFaultInACloseKeepsNoChildOpen(t *testing.T) {
	for name, fail := range map[string]func(){"panic": explode, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
				rt.Trace.Error = nil
				reports := reportsOf(rt)
				var got []int
				for i := range 5 {
					g.Go(Async(func(co *Co) error {
						defer func() {
							if got = append(got, i); i%2 == 0 {
								fail()
							}
						}()
						Await(co, Sleep(time.Hour))
						return nil
					}))
				}
				Await(co, Yield())
				g.Close()
				slices.Sort(got)
				if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, got); diff != "" || rt.Report().Tasks != 1 {
					t.Errorf("%d tasks are left, closed (-want +got):\n%s", rt.Report().Tasks, diff)
				}
				if len(*reports) != 3 {
					t.Errorf("reported: %q, want three failures", *reports)
				}
			})
		})
	}
}

// Property 45: a child that closes its own group ends after its poll.
func TestChildMayCloseItsGroup(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		unwound, wentOn := false, false
		g.Go(Async(func(co *Co) error {
			defer func() { unwound = true }()
			g.Close()
			wentOn = !unwound
			Await(co, Sleep(time.Hour))
			return nil
		}))
		Await(co, Yield())
		Await(co, Yield())
		if !wentOn || !unwound || rt.Report().Tasks != 1 {
			t.Errorf("went on: %t, unwound: %t, %d tasks left; want true, true, this one", wentOn, unwound, rt.Report().Tasks)
		}
	})
}

// Property 42: a body that is cancelled takes its group along.
func TestGroupEndsWithItsBody(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		child := new(idle)
		h := SpawnRemote(rt, Async(func(co *Co) error {
			g := NewGroup(co.cx)
			defer g.Close()
			g.Go(child)
			return Await(co, g.Wait())
		}))
		blockOn(t, rt, Sleep(time.Second))
		h.Cancel()
		blockOn(t, rt, h)
		if child.closes != 1 || rt.Report().Tasks != 0 {
			t.Errorf("the child was closed %d times, %d tasks are left, want once, none", child.closes, rt.Report().Tasks)
		}
	})
}

// Close of a Wait waits no longer. The tasks go on.
func TestAbandonedWaitLeavesTheTasks(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		child := new(idle)
		g.Go(child)
		if got := Await(co, Timeout(g.Wait(), time.Second)); got.Err != ErrTimeout || child.closes != 0 || g.ended.receivers.waiting.Len() != 0 {
			t.Errorf("%v, the child was closed %d times, %d wakers are left; want %v, never, none", got.Err, child.closes, g.ended.receivers.waiting.Len(), ErrTimeout)
		}
	})
}

// Property 33: Wait waits for tasks that nothing can wake.
func TestGroupThatIsStuckIsADeadlock(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		_, err := BlockOn(rt, Async(func(co *Co) error {
			g := NewGroup(co.cx)
			defer g.Close()
			c := NewChannel[int](1)
			g.Go(Async(func(co *Co) error { Await(co, c.Receive()); return nil }))
			return Await(co, g.Wait())
		}))
		var deadlock *DeadlockError
		if !errors.As(err, &deadlock) || deadlock.Tasks != 2 {
			t.Errorf("BlockOn fails with %v, want a deadlock of 2 tasks", err)
		}
	})
}

// Property 5.
func TestJoinAllKeepsValuesInArgumentOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var futures []Future[int]
		var want []int
		for i := range 10 {
			want = append(want, i)
			futures = append(futures, Async(func(co *Co) int {
				Await(co, Sleep(time.Duration(i*7%10)*time.Second))
				return i
			}))
		}
		if diff := cmp.Diff(want, blockOn(t, rt, JoinAll(futures...))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Property 5.
func TestJoinAllWithoutFuturesIsReadyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		if got, ready := JoinAll[int]().Poll(taskContext(rt)); !ready || len(got) != 0 {
			t.Errorf("got %v, %t, want no values, true", got, ready)
		}
	})
}

// Property 3, of JoinAll and of its children.
func TestFinishedJoinAllIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		j, cx := JoinAll(Counted(ready(struct{}{}), &polls), Yield()), taskContext(rt)
		j.Poll(cx)
		j.Poll(cx)
		if polls != 1 {
			t.Errorf("a child was polled %d times, want once: it was ready then", polls)
		}
		wantPanic(t, "JoinAll polled after it finished", func() { j.Poll(cx) })
	})
}

// Properties 23 and 26, of a child.
func TestChildWokenDuringItsPollIsPolledAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, JoinAll(Sleep(time.Second), until(func(cx *Context) bool {
			polls++
			cx.Waker().Wake()
			return polls == 3
		})))
	})
}

// Property 22: the waker of the latest poll counts.
func TestJoinAllThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		j, old := JoinAll(JoinAll(Sleep(time.Hour))), taskContext(rt)
		j.Poll(old)
		blockOn(t, rt, j)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// greedy is a future that takes all of the budget that it can get.
func greedy(taken *int) Future[struct{}] {
	return until(func(cx *Context) bool {
		for cx.takeBudget() {
			*taken++
		}
		return false
	})
}

// Property 46: each child gets as much as the others, whether all of them take
// what they can get, or one takes little and often.
func TestNoChildOfAJoinAllTakesTheTurnsOfTheOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for children := 2; children <= 5; children++ {
			taken := make([]int, children)
			futures := []Future[struct{}]{ready(struct{}{})}
			for i := range taken {
				futures = append(futures, greedy(&taken[i]))
			}
			h := SpawnRemote(rt, JoinAll(futures...))
			const polls = 60
			for range polls {
				blockOn(t, rt, Yield())
			}
			h.Cancel()
			for _, n := range taken {
				if fair := polls * transfersPerPoll / children; n < fair/2 || n > 2*fair {
					t.Errorf("of %d children, one took %d turns in %d polls, want about %d: %v", children, n, polls, fair, taken)
				}
			}
		}
	})
}

// Property 46, with what a program has: streams whose peers are always faster.
func TestStreamsInAJoinAllTakeTurns(t *testing.T) {
	rt := openRuntime(t)
	var reads [2]int
	var futures []Future[struct{}]
	for i := range reads {
		s, peer := openStream(t, rt)
		futures = append(futures, until(func(cx *Context) bool {
			for {
				if n, _, ready := s.PollRead(cx, make([]byte, 1)); !ready {
					return false
				} else {
					reads[i] += n
					unix.Write(peer, make([]byte, n))
				}
			}
		}))
		fill(t, peer)
	}
	h := SpawnRemote(rt, JoinAll(futures...))
	for range 100 {
		blockOn(t, rt, Yield())
	}
	h.Cancel()
	if reads[0] > 2*reads[1] || reads[1] > 2*reads[0] {
		t.Errorf("%v bytes were read, want about as many from each stream", reads)
	}
}

// Property 29: a child that always finds more leaves the timers of its siblings
// their turn.
func TestBusyChildTakesTurns(t *testing.T) {
	rt := openRuntime(t)
	taken := 0
	busy := greedy(&taken)
	blockOn(t, rt, Race(Sleep(time.Millisecond), JoinAll(Sleep(time.Hour), busy)))
	if taken == 0 {
		t.Error("the busy child had no turn")
	}
}

// Property 42.
func TestClosedJoinAllClosesTheUnfinished(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, b := new(never), new(never)
		j := JoinAll(a, ready(struct{}{}), b)
		j.Poll(taskContext(rt))
		Close(j)
		Close(j)
		if a.closes != 1 || b.closes != 1 {
			t.Errorf("closed %d and %d times, want once each", a.closes, b.closes)
		}
	})
}
