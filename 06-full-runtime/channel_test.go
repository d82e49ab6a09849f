package main

import (
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
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

// emptyLists fails the test if a future still has a place in a list of c.
func emptyLists[T any](t *testing.T, c *Channel[T]) {
	t.Helper()
	for name, l := range map[string]*waitList{"senders": &c.senders, "receivers": &c.receivers} {
		if l.waiting.Len() != 0 || l.turns != 0 {
			t.Errorf("%s: %d wait, and %d have a turn, want none", name, l.waiting.Len(), l.turns)
		}
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
			emptyLists(t, c)
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
		if got := time.Since(start); got != time.Hour || len(c.values) != 2 {
			t.Errorf("the third Send into two places took %v, and %d values are there, want 1h, 2", got, len(c.values))
		}
	})
}

func TestClosedChannelWakesAllThatWait(t *testing.T) {
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
				t.Errorf("Receive yields %+v, want that the channel is closed", r.Value)
			}
		}
		if got := blockOn(t, rt, full.Receive()); got != (Received[int]{1, true}) {
			t.Errorf("what was sent before is received as %+v", got)
		}
		emptyLists(t, full)
		emptyLists(t, empty)
	})
}

// A sender that was handed a place before Close finds the channel closed, and
// owns the value to the end.
func TestSenderThatGotItsPlaceBeforeCloseFails(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, cx, value := NewChannel[*never](1), taskContext(rt), new(never)
		c.Send(nil).Poll(cx)
		s := c.Send(value)
		s.Poll(cx)
		c.TryReceive() // hands the place over
		c.Close()
		if err, ready := s.Poll(cx); err != ErrChannelClosed || !ready || len(c.values) != 0 || value.closes != 1 {
			t.Errorf("Send yields %v, %t; %d values are there, and the value was closed %d times; want %v, true, none, once", err, ready, len(c.values), value.closes, ErrChannelClosed)
		}
		emptyLists(t, c)
	})
}

// Property 43, fault 6: the value has been handed to the first receiver, which hasn't looked
// yet. Until it has, the second can't know whether that was all.
func TestClosedChannelKeepsAValueThatIsOnItsWay(t *testing.T) {
	for _, abandon := range []bool{true, false} {
		t.Run(fmt.Sprintf("abandoned: %t", abandon), func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				c, cx, late := NewChannel[int](1), taskContext(rt), taskContext(rt)
				first, second := c.Receive(), c.Receive()
				first.Poll(cx)
				second.Poll(late)
				c.Send(7).Poll(cx)
				c.Close()
				if got, ready := second.Poll(late); ready {
					t.Fatalf("the second receiver is told %+v", got)
				}
				before := wakesOf(late)
				want := Received[int]{}
				if abandon {
					want = Received[int]{7, true}
					Close(first)
				} else {
					first.Poll(cx)
				}
				if got, ready := second.Poll(late); got != want || !ready || wakesOf(late) == before {
					t.Errorf("the second receiver yields %+v, %t, after %d wakes more, want %+v, true, one", got, ready, wakesOf(late)-before, want)
				}
				emptyLists(t, c)
			})
		})
	}
}

// Property 43, fault 6, as programs meet it: the receiver that has the value loses a race.
func TestNoValueOfAClosedChannelIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for range 100 {
			c := NewChannel[int](1)
			h := SpawnRemote(rt, Race(c.Receive(), Sleep(time.Second)))
			other := SpawnRemote(rt, Async(func(co *Co) []int { return receiveAll(co, c) }))
			SpawnRemote(rt, Async(func(co *Co) int {
				Await(co, Sleep(time.Second))
				Await(co, c.Send(7))
				c.Close()
				return 1
			}))
			won, rest := blockOn(t, rt, h).Value, blockOn(t, rt, other).Value
			if !(won.First && won.A.OK) && len(rest) != 1 {
				t.Fatalf("the race yields %+v, and the other receiver %v: the value is lost", won, rest)
			}
		}
	})
}

// Property 29: this task sends to itself, so it never has to wait.
func TestTaskThatAlwaysFindsATurnTakesTurns(t *testing.T) {
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
			if most := turn * transfersPerPoll; values == 0 || values > most { // two turns a value, two polls a round
				t.Fatalf("turn %d of another task came after %d values, want 1 to %d", turn, values, most)
			}
		}
		h.Cancel()
	})
}

// Property 29: not ready, and closed, doesn't mean that it was all.
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

// A future that gives up after it was handed a turn passes the turn on.
func TestTurnOfAnAbandonedSenderGoesOn(t *testing.T) {
	for name, granted := range map[string]bool{"waiting": false, "granted": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, rt *Runtime) {
				c, cx := NewChannel[int](1), taskContext(rt)
				c.Send(1).Poll(cx)
				first, second := c.Send(2), c.Send(3)
				first.Poll(cx)
				second.Poll(cx)
				if granted {
					c.TryReceive()
				}
				Close(first)
				Close(first)
				if !granted {
					c.TryReceive()
				}
				if _, ready := second.Poll(cx); !ready || c.values[0] != 3 {
					t.Errorf("the second sender is ready: %t, and the channel holds %v, want true, [3]", ready, c.values)
				}
				emptyLists(t, c)
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
		c.Send(7).Poll(cx) // handed to the first
		Close(first)
		if got, ready := second.Poll(cx); !ready || got.Value != 7 {
			t.Errorf("got %+v, %t, want 7", got, ready)
		}
	})
}

// A waiter in the middle of the list may leave, and the order stays.
func TestAnyWaiterMayLeave(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for leaves := range 5 {
			c, cx := NewChannel[int](5), taskContext(rt)
			var all []Future[Received[int]]
			for range 5 {
				f := c.Receive()
				f.Poll(cx)
				all = append(all, f)
			}
			Close(all[leaves])
			all = append(all[:leaves], all[leaves+1:]...)
			for i := range all {
				c.Send(i).Poll(cx)
			}
			for i, f := range all {
				if got, ready := f.Poll(cx); !ready || got.Value != i {
					t.Errorf("after number %d had left, the next number %d yields %+v, %t", leaves, i, got, ready)
				}
			}
			emptyLists(t, c)
		}
	})
}

// A channel of size 1 is a lock: Send takes it, and a receive gives it back.
func TestPlacesAreHandedOverInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		lock := NewChannel[int](1)
		var got, want []int
		var tasks []Future[Result[int]]
		for i := range 10 {
			want = append(want, i, i)
			tasks = append(tasks, SpawnRemote(rt, Async(func(co *Co) int {
				Await(co, lock.Send(i))
				defer lock.TryReceive()
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

// A place that was handed over can't be overtaken by a sender that comes later.
func TestPlaceThatWasHandedOverIsNotOvertaken(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, cx := NewChannel[int](1), taskContext(rt)
		c.Send(1).Poll(cx)
		c.Send(2).Poll(cx)
		c.TryReceive()
		if _, ready := c.Send(3).Poll(cx); ready {
			t.Error("a sender that came later has the place of the one that waited")
		}
		c.Send(4).Poll(cx)
		if _, ok := c.TryReceive(); ok {
			t.Error("TryReceive finds a value in the empty channel")
		}
	})
}

// Property 3.
func TestFinishedSendAndReceiveAreNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, cx := NewChannel[int](1), taskContext(rt)
		s, r := c.Send(1), c.Receive()
		s.Poll(cx)
		r.Poll(cx)
		wantPanic(t, "Send polled after it finished", func() { s.Poll(cx) })
		wantPanic(t, "Receive polled after it finished", func() { r.Poll(cx) })
	})
}

// Property 45: several tasks may wait for a group, and one of them may leave.
func TestEveryWaitOfAGroupIsWoken(t *testing.T) {
	inGroup(t, func(t *testing.T, rt *Runtime, co *Co, g *Group) {
		g.Go(failingAfter(time.Minute, errFailed))
		first, second := Spawn(co.cx, g.Wait()), Spawn(co.cx, g.Wait())
		Await(co, Timeout(g.Wait(), time.Second))
		for _, h := range []*JoinHandle[error]{first, second} {
			if got := Await(co, h); got.Value != errFailed {
				t.Errorf("Wait yields %+v, want %v", got, errFailed)
			}
		}
	})
}

// Property 2.
func TestBlockingCallHoldsUpNoTask(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		h := SpawnRemote(rt, Blocking(func() string { time.Sleep(time.Hour); return "slow" }))
		start := time.Now()
		blockOn(t, rt, Sleep(time.Second))
		fast := time.Since(start)
		if got := blockOn(t, rt, h); got.Value != "slow" || fast != time.Second || time.Since(start) != time.Hour {
			t.Errorf("another task took %v, want 1s; the call yields %q after %v, want slow after 1h", fast, got.Value, time.Since(start))
		}
	})
}

// Property 1.
func TestBlockingCallStartsAtTheFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		started := false
		f := Blocking(func() int { started = true; return 1 })
		synctest.Wait()
		Close(f)
		synctest.Wait()
		if started {
			t.Error("it started without a poll")
		}
	})
}

// Property 22.
func TestBlockingCallWakesItsLatestOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c, old := Blocking(func() int { time.Sleep(time.Hour); return 1 }), taskContext(rt)
		c.Poll(old)
		blockOn(t, rt, c)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// Property 3.
func TestFinishedCallIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		c := Blocking(func() int { return 1 })
		blockOn(t, rt, c)
		wantPanic(t, "Blocking polled after it finished", func() { c.Poll(taskContext(rt)) })
	})
}

// Property 31: only calls under way are counted.
func TestCallIsNotUnderWayOnceItsValueIsSeen(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		cx, underWay := taskContext(rt), make(chan int, 1)
		cx.waker = wakeFunc(func() { underWay <- rt.Report().Blocking })
		Blocking(func() int { time.Sleep(time.Hour); return 1 }).Poll(cx)
		if n := <-underWay; n != 0 {
			t.Errorf("the value is there, but %d calls are under way", n)
		}
	})
}

// Property 36: it runs on, but wakes nothing.
func TestAbandonedCallWakesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		loser := Blocking(func() int { time.Sleep(time.Hour); return 1 })
		SpawnRemote(rt, Async(func(co *Co) int {
			Await(co, Race(loser, Sleep(time.Minute)))
			Await(co, Counted(new(never), &polls))
			return 1
		}))
		blockOn(t, rt, Sleep(2*time.Hour))
		if polls != 1 {
			t.Errorf("its former task was polled %d times, want once: nothing woke it", polls)
		}
	})
}

// Property 31.
func TestCallThatOutlivesTheRuntimeIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		SpawnRemote(rt, Blocking(func() int { time.Sleep(time.Hour); return 1 }))
		blockOn(t, rt, Sleep(time.Minute))
		if got := rt.Close(); got != (Report{Blocking: 1}) {
			t.Errorf("Close reports %+v, want one call", got)
		}
		time.Sleep(time.Hour) // by then the call has returned after all
		synctest.Wait()
	})
}

// Property 42: both relays leave the list that they wait in.
func TestRelaysCloseWhatTheyWaitFor(t *testing.T) {
	for name, relay := range map[string]func(in, out *Channel[int]) Future[int]{"hand": RelayHand, "await": RelayAwait} {
		inBubble(t, func(t *testing.T, rt *Runtime) {
			in, out := NewChannel[int](1), NewChannel[int](1)
			blockOn(t, rt, Async(func(co *Co) int {
				task := Spawn(co.cx, relay(in, out)) // waits for in
				Await(co, Yield())
				task.Cancel()
				if got := Await(co, task); got.Err != ErrCancelled {
					t.Errorf("%s: cancelled, it ends with %v", name, got.Err)
				}
				task = Spawn(co.cx, relay(in, out)) // will wait for out, which is full
				Await(co, out.Send(0))
				Await(co, in.Send(1))
				for range 3 {
					Await(co, Yield())
				}
				task.Cancel()
				Await(co, task)
				return 1
			}))
			emptyLists(t, in)
			emptyLists(t, out)
		})
	}
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

// next enters a coroutine, and yield leaves it.
func Example_coroutine() {
	next, stop := iter.Pull(func(yield func(int) bool) {
		yield(1)
		fmt.Println("yield returned", yield(2))
	})
	fmt.Println(next())
	fmt.Println(next())
	stop()
	// Output: 1 true
	// 2 true
	// yield returned false
}
