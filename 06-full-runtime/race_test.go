package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Property 37.
func TestRaceOfTwoReadyFuturesIsFair(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		const rounds = 10_000
		cx, wins := taskContext(rt), 0
		for range rounds {
			if either, _ := Race(ready(1), ready(2)).Poll(cx); either.First {
				wins++
			}
		}
		if wins < rounds*45/100 || wins > rounds*55/100 {
			t.Errorf("the first one won %d of %d rounds, want half of them", wins, rounds)
		}
	})
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

// Property 3.
func TestFinishedRaceIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		r, cx := Race(ready(1), ready(2)), taskContext(rt)
		r.Poll(cx)
		wantPanic(t, "Race polled after it finished", func() { r.Poll(cx) })
	})
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

// Property 36.
func TestTimeoutYieldsTheValueInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		got := blockOn(t, rt, Timeout(Sleep(time.Hour), time.Hour+1))
		if got.Err != nil || rt.Report().Timers != 0 {
			t.Errorf("got %v, and %d timers are left", got.Err, rt.Report().Timers)
		}
	})
}

// Property 36.
func TestTimeoutClosesItsFuture(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n, start := new(never), time.Now()
		f := Timeout(n, time.Hour)
		got := blockOn(t, rt, f)
		Close(f)
		if got.Err != ErrTimeout || n.closes != 1 || time.Since(start) != time.Hour {
			t.Errorf("%v after %v, closed %d times, want %v after 1h, once", got.Err, time.Since(start), n.closes, ErrTimeout)
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

func TestValueOfTheLastMomentIsNotThrownAway(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for range 100 {
			if got := blockOn(t, rt, Timeout(Sleep(time.Second), time.Second)); got.Err != nil {
				t.Fatal(got.Err)
			}
		}
	})
}

// Property 3.
func TestFinishedTimeoutIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		r, cx := Timeout(ready(1), time.Hour), taskContext(rt)
		r.Poll(cx)
		wantPanic(t, "Timeout polled after it finished", func() { r.Poll(cx) })
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
