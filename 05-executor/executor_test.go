package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// spawn makes a task of which only the polls matter.
func spawn(e *Executor, poll func(cx *Context) (ready bool)) {
	Spawn(e, pollFunc[struct{}](func(cx *Context) (struct{}, bool) { return struct{}{}, poll(cx) }))
}

// Property 1.
func TestNothingIsPolledBeforeRun(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, polls := NewExecutor(nil), 0
		spawn(e, func(*Context) bool { polls++; return true })
		synctest.Wait()
		if polls != 0 {
			t.Errorf("%d polls before Run, want none", polls)
		}
	})
}

// Property 31.
func TestRunWithoutTasksReturns(t *testing.T) {
	inBubble(t, func(t *testing.T) { NewExecutor(nil).Run() })
}

// Property 31. The bubble checks at its end that no goroutine is left.
func TestRunReturnsWhenTheLastTaskHasFinished(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, start := NewExecutor(nil), time.Now()
		for i := range 10 {
			Spawn(e, Sleep(time.Duration(10-i)*time.Second))
		}
		e.Run()
		if got := time.Since(start); got != 10*time.Second {
			t.Errorf("Run returned after %v, want 10s, as long as the longest task sleeps", got)
		}
	})
}

// Property 31.
func TestExecutorRunsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, polls := NewExecutor(nil), 0
		for range 2 {
			Spawn(e, Counted(Sleep(time.Second), &polls))
			e.Run()
		}
		if polls != 4 {
			t.Errorf("%d polls for two tasks, run one after the other, want 4", polls)
		}
	})
}

func TestOnlyTheWokenTaskIsPolled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, polls := NewExecutor(nil), make([]int, 100)
		for i := range polls {
			Spawn(e, Counted(Sleep(time.Duration(i+1)*time.Second), &polls[i]))
		}
		e.Run()
		for i, n := range polls {
			if n != 2 {
				t.Fatalf("task %d of %d was polled %d times, want 2: to start, and when its own time had passed", i+1, len(polls), n)
			}
		}
	})
}

// Property 24: a finished task's future may be gone, so it can't be polled.
func TestTaskWokenAfterItFinishedIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, polls := NewExecutor(nil), 0
		spawn(e, func(cx *Context) bool {
			polls++
			cx.Waker().Wake() // so the task is in the queue when it finishes
			return true
		})
		Spawn(e, Sleep(time.Second)) // keeps the executor running
		e.Run()
		if polls != 1 {
			t.Errorf("%d polls, want 1: the future had already finished", polls)
		}
	})
}

// Property 27.
func TestThousandWakesBetweenTwoPollsAreOnePoll(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, polls := NewExecutor(nil), 0
		var over atomic.Bool
		spawn(e, func(cx *Context) bool {
			if polls++; polls == 1 {
				for range 1000 {
					cx.Waker().Wake()
				}
				time.AfterFunc(time.Second, func() { over.Store(true); cx.Waker().Wake() })
			}
			return over.Load()
		})
		e.Run()
		if polls != 3 {
			t.Errorf("%d polls, want 3: to start, after 1,000 wakes, and after one more", polls)
		}
	})
}

// Property 28. All the wakes come while the executor is busy: if they came while it
// sleeps, any queue would serve them in order.
func TestFirstWokenIsFirstPolled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, wakers := NewExecutor(nil), make([]Waker, 5)
		var got []int
		for i := range wakers {
			spawn(e, func(cx *Context) bool {
				if wakers[i] == nil {
					wakers[i] = cx.Waker()
					return false
				}
				got = append(got, i)
				return true
			})
		}
		want := []int{2, 0, 3, 1, 4}
		spawn(e, func(*Context) bool {
			for _, i := range want {
				if wakers[i] == nil {
					t.Fatalf("task %d hasn't been polled, but a task that was spawned after it has", i+1)
				}
				wakers[i].Wake()
			}
			return true
		})
		e.Run()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the tasks weren't polled in the order of their wakes (-woken +polled):\n%s", diff)
		}
	})
}

// Property 28.
func TestTasksAreFirstPolledInTheOrderOfSpawn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e := NewExecutor(nil)
		var got []int
		for i := range 5 {
			spawn(e, func(*Context) bool { got = append(got, i); return true })
		}
		e.Run()
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, got); diff != "" {
			t.Errorf("the tasks weren't polled in the order of Spawn (-spawned +polled):\n%s", diff)
		}
	})
}

// Property 29.
func TestTasksThatWakeThemselvesTakeTurns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e := NewExecutor(nil)
		var got string
		for _, name := range []string{"a", "b", "c"} {
			polls := 0
			spawn(e, func(cx *Context) bool {
				got += name
				polls++
				cx.Waker().Wake()
				return polls == 3
			})
		}
		e.Run()
		if want := "abcabcabc"; got != want {
			t.Errorf("polled in the order %s, want %s", got, want)
		}
	})
}

// Property 29.
func TestTaskThatIsAlwaysReadyDoesNotHoldUpAWakeFromElsewhere(t *testing.T) {
	mustEnd(t) // not in a bubble, whose clock would stand still while a task is always ready
	e, posted := NewExecutor(nil), false
	const most = 10_000_000
	polls := 0
	spawn(e, func(cx *Context) bool {
		polls++
		cx.Waker().Wake()
		runtime.Gosched() // with GOMAXPROCS=1, the other goroutine needs a chance to run
		return posted || polls == most
	})
	var wake sync.Once
	woken := make(chan struct{})
	spawn(e, func(cx *Context) bool {
		wake.Do(func() { go func() { close(woken); cx.Waker().Wake() }() })
		select {
		case <-woken:
			posted = true
		default:
		}
		return posted
	})
	e.Run()
	if polls == most {
		t.Errorf("a task that's always ready was polled %d times, but another, which was woken, wasn't polled at all", polls)
	}
}

// Property 30.
func TestTaskSpawnedInAPollIsPolledWithoutAWake(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e := NewExecutor(nil)
		var got []string
		spawn(e, func(*Context) bool {
			spawn(e, func(*Context) bool {
				spawn(e, func(*Context) bool { got = append(got, "grandchild"); return true })
				got = append(got, "child")
				return true
			})
			got = append(got, "parent")
			return true
		})
		e.Run()
		if diff := cmp.Diff([]string{"parent", "child", "grandchild"}, got); diff != "" {
			t.Errorf("the polls until Run returned (-want +got):\n%s", diff)
		}
	})
}

// Property 30.
func TestTaskSpawnedInAPollDoesNotHinderItsParent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e := NewExecutor(nil)
		parent, child := Sleep(time.Second), Sleep(time.Hour)
		started, start := false, time.Now()
		var took time.Duration
		spawn(e, func(cx *Context) bool {
			if !started {
				started = true
				Spawn(e, child)
			}
			_, ready := parent.Poll(cx)
			took = time.Since(start)
			return ready
		})
		e.Run()
		if took != time.Second {
			t.Errorf("the parent took %v, want 1s", took)
		}
	})
}

// Property 25: pop has found nothing, and Park hasn't begun yet.
func TestWakeBetweenEmptyQueueAndParkIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e := NewExecutor(nil)
		var waker Waker
		e.Trace = func(step string, _ *Task) {
			if step == "park" {
				waker.Wake()
			}
		}
		spawn(e, func(cx *Context) bool {
			first := waker == nil
			waker = cx.Waker()
			return !first
		})
		e.Run()
	})
}

// Property 25: a leftover token costs one look at the queue, and that's all.
func TestTokenLeftByAnEarlierWakeIsHarmless(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e, parks := NewExecutor(nil), 0
		e.Trace = func(step string, _ *Task) {
			if step == "park" {
				parks++
			}
		}
		woke := false
		spawn(e, func(cx *Context) bool { // its wake leaves a token, since the executor isn't asleep
			if woke {
				return true
			}
			woke = true
			cx.Waker().Wake()
			return false
		})
		start := time.Now()
		Spawn(e, Sleep(time.Second))
		e.Run()
		if got := time.Since(start); got != time.Second || parks > 2 {
			t.Errorf("Run took %v and %d parks, want 1s and at most 2: one ended by the token, one by the Sleep", got, parks)
		}
	})
}

// Property 25. An executor that's unparked before the task is in the queue may find the
// queue empty, park again, and never be woken. The test holds the queue's lock, so that
// Wake has to stop between the two steps.
func TestTaskIsInTheQueueBeforeTheExecutorIsUnparked(t *testing.T) {
	mustEnd(t)
	e := NewExecutor(nil)
	var waker Waker
	var held atomic.Bool
	var once sync.Once
	wakes := make(chan struct{})
	park := func() {
		once.Do(func() {
			go func() {
				e.mu.Lock()
				held.Store(true)
				go waker.Wake()
				<-wakes
				for range 10_000 { // until Wake comes to the lock, or else to its Unpark
					runtime.Gosched()
				}
				held.Store(false)
				e.mu.Unlock()
			}()
		})
	}
	e.Trace = func(step string, _ *Task) {
		switch {
		case step == "woken":
			close(wakes)
		case step == "park":
			park()
		case step == "unpark" && held.Load():
			t.Error("the executor was unparked before the task was in its queue")
		}
	}
	spawn(e, func(cx *Context) bool {
		first := waker == nil
		waker = cx.Waker()
		return !first
	})
	e.Run()
}

// Property 26: the poll of one task wakes another task.
func TestWakeOfATaskInThePollOfAnother(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		e := NewExecutor(nil)
		var waker Waker
		arrived := false
		spawn(e, func(cx *Context) bool { waker = cx.Waker(); return arrived })
		spawn(e, func(*Context) bool {
			arrived = true
			waker.Wake()
			return true
		})
		e.Run()
	})
}

// Property 24: all these wakes come from other goroutines.
func TestWakeStormOnManyTasksPollsThemAllToTheirEnd(t *testing.T) {
	mustEnd(t)
	const tasks, goroutines, rounds = 20, 8, 200
	e := NewExecutor(nil)
	wakers := make(chan Waker, tasks)
	var storm sync.WaitGroup
	over := make(chan struct{})
	for range tasks {
		first := true
		spawn(e, func(cx *Context) bool {
			if first {
				first = false
				wakers <- cx.Waker()
			}
			select {
			case <-over:
				return true
			default:
				return false
			}
		})
	}
	spawn(e, func(*Context) bool { // all have been polled once
		close(wakers)
		var all []Waker
		for w := range wakers {
			all = append(all, w)
		}
		for range goroutines {
			storm.Go(func() {
				for i := range rounds * tasks {
					all[i%tasks].Wake()
				}
			})
		}
		go func() {
			storm.Wait()
			close(over)
			for _, w := range all {
				w.Wake()
			}
		}()
		return true
	})
	e.Run()
}

func TestTenThousandConnectionsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("this test takes a second or two")
	}
	noLeaks(t)
	mustEndWithin(t, time.Minute) // the race detector makes it slow
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const crowd = 10_000
	addr := startCrowdServer(t, crowd)
	var gets []*httpGet
	e, responses, full := NewExecutor(r), make([]Response, crowd), false
	for i := range responses {
		get := HTTPGet(addr, fmt.Sprint("/", i)).(*httpGet)
		gets = append(gets, get)
		Spawn(e, pollFunc[Response](func(cx *Context) (_ Response, ready bool) {
			if full { // the crowd will never be complete, so no request will be answered
				Close(get)
				return Response{}, true
			}
			if responses[i], ready = get.Poll(cx); ready && responses[i].Err != nil {
				full = true
				for _, other := range gets {
					if other.cx != nil {
						other.cx.Waker().Wake()
					}
				}
			}
			return responses[i], ready
		}))
	}
	e.Run()
	for _, response := range responses {
		err := response.Err
		if (errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)) && strings.Contains(err.Error(), "ulimit -n") {
			t.Skip(err) // the error says which limit it is, and how to raise it
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, response := range responses {
		if want := fmt.Sprint("/", i); response.Status != 200 || response.Body != want {
			t.Fatalf("request %d of %d: got %d %q, want 200 %q", i+1, crowd, response.Status, response.Body, want)
		}
	}
}

func TestThousandTasksNeedAtMostFourPollsEach(t *testing.T) {
	r := openReactor(t)
	addr, stop := startDelayServer()
	defer stop()
	const tasks = 1000
	e, responses, polls := NewExecutor(r), make([]Response, tasks), make([]int, tasks)
	for i := range tasks {
		get := HTTPGet(addr, fmt.Sprintf("/%d/%d", i%100, i)).(*httpGet)
		Spawn(e, storeResult[Response]{Counted[Response](get, &polls[i]), &responses[i]})
	}
	e.Run()
	for i, n := range polls {
		if want := fmt.Sprint(i); responses[i].Body != want {
			t.Fatalf("task %d: got %+v, want %s", i+1, responses[i], want)
		}
		if n > 4 {
			t.Errorf("task %d needed %d polls, want at most 4", i+1, n)
		}
	}
}

// Neither a task's value nor its place in the queue leaks anything.
func TestExecutorHoldsOnToNothing(t *testing.T) {
	e, closed := NewExecutor(nil), new(after)
	spawn(e, func(*Context) bool { return true })
	queue := e.runQueue
	e.Run()
	Close(storeResult[string]{future: closed})
	if queue[0] != nil || closed.closes != 1 {
		t.Errorf("a finished task is in the queue: %t; closed %d times, want once", queue[0] != nil, closed.closes)
	}
}
