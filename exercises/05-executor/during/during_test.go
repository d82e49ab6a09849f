package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// testWork starts so many workers, and returns what waits for their end.
func testWork(t testing.TB, p *Pool, workers int) (wait func()) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("%s panics: %v", check.Culprit(), v)
				}
			}()
			p.Work()
		})
	}
	return all.Wait
}

const (
	testHangs = "each task was woken until it had finished, and Work does not return"
	testLost  = "a task wakes itself in its poll, and this poll gives false: it is to be polled again, and is not, by nobody; or does Wake wait?"
)

func TestWokenWhileItIsAsleep(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewPool()
		var polls int
		var waker Waker
		p.Spawn(func(w Waker) bool {
			polls++
			waker = w
			return polls == 3
		})
		wait := testWork(t, p, 2)
		for want := 1; want <= 2; want++ {
			synctest.Wait()
			if polls != want {
				t.Fatalf("the task was spawned, and woken %d times while it was asleep: polled %d times, want %d", want-1, polls, want)
			}
			waker.Wake()
		}
		wait()
	})
}

func TestWakesItselfInItsPoll(t *testing.T) {
	check.Bubble(t, 2*time.Second, testLost, func(t testing.TB) {
		p := NewPool()
		polls := 0
		p.Spawn(func(w Waker) bool {
			if polls++; polls == 1 {
				w.Wake()
			}
			return polls == 2
		})
		testWork(t, p, 1)()
	})
}

func TestPolledByOneWorkerAtATime(t *testing.T) {
	check.Bubble(t, 2*time.Second, "a task wakes itself in its poll. Until this poll returns the other worker has nothing to do but sleep: does it wait for a lock, or go round and round? And then the task is to be polled again", func(t testing.TB) {
		p := NewPool()
		var polling, polls int
		p.Spawn(func(w Waker) bool {
			if polling++; polling > 1 {
				t.Error("a task is woken in its poll, by one worker; and before this poll has returned, another worker polls it as well: a future is polled by one at a time")
			}
			defer func() { polling-- }()
			if polls++; polls > 1 {
				return true
			}
			w.Wake()
			synctest.Wait() // all others have done what they will
			return false
		})
		testWork(t, p, 2)()
	})
}

func TestWokenByAnotherInItsPoll(t *testing.T) {
	check.Bubble(t, 2*time.Second, "what a task waits for comes while it is being polled, when it has looked already: it is woken then, and its poll gives false. It is to be polled again, and is not, by nobody; or does Wake wait?", func(t testing.TB) {
		p := NewPool()
		var come atomic.Bool
		p.Spawn(func(w Waker) bool {
			seen := come.Load()
			if !seen {
				go func() {
					come.Store(true)
					w.Wake()
				}()
				synctest.Wait() // it has happened
			}
			return seen
		})
		testWork(t, p, 1)()
	})
}

func TestManyWakesInAPollAreOne(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewPool()
		var polls int
		var waker Waker
		p.Spawn(func(w Waker) bool {
			waker = w
			if polls++; polls == 1 {
				for range 1000 {
					w.Wake()
				}
			}
			return polls >= 3
		})
		wait := testWork(t, p, 1)
		synctest.Wait()
		if polls != 2 {
			t.Fatalf("a task was woken 1,000 times in its first poll: polled %d times, want 2", polls)
		}
		waker.Wake()
		wait()
	})
}

func TestWhoIsNotWokenIsNotPolled(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewPool()
		var polls int
		var waker Waker
		var come bool
		p.Spawn(func(w Waker) bool {
			waker = w
			polls++
			return come || polls > 100
		})
		wait := testWork(t, p, 1)
		synctest.Wait()
		if polls != 1 {
			t.Fatalf("a task was spawned, and nobody has woken it: polled %d times, want 1", polls)
		}
		come = true
		waker.Wake()
		wait()
	})
}

func TestWhoWakeThemselvesTakeTurns(t *testing.T) {
	check.Bubble(t, 2*time.Second, testLost, func(t testing.TB) {
		p := NewPool()
		var order strings.Builder
		for _, name := range []string{"a", "b", "c"} {
			polls := 0
			p.Spawn(func(w Waker) bool {
				fmt.Fprint(&order, name)
				if polls++; polls < 3 {
					w.Wake()
				}
				return polls >= 3
			})
		}
		testWork(t, p, 1)()
		if got, want := order.String(), "abcabcabc"; got != want {
			t.Errorf("one worker, and three tasks that wake themselves in each poll but the third: polled in the order %s, want %s; they do not take turns", got, want)
		}
	})
}

func TestWhoHasFinishedIsNotPolled(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewPool()
		var polls, others int
		var first, second Waker
		p.Spawn(func(w Waker) bool {
			if polls++; polls == 1 {
				first = w
				w.Wake()
			}
			return true
		})
		come := false
		p.Spawn(func(w Waker) bool { // keeps the worker at work
			second = w
			others++
			return come || others > 100
		})
		wait := testWork(t, p, 1)
		synctest.Wait()
		if polls > 1 {
			t.Fatalf("a task woke itself in the poll in which it was ready, and was polled again after it was ready: %d times in all", polls)
		}
		first.Wake()
		synctest.Wait()
		if polls > 1 {
			t.Fatalf("a task was woken long after it was ready, and was polled again: %d times in all", polls)
		}
		come = true
		second.Wake()
		wait()
	})
}

func TestWakesFromManyGoroutines(t *testing.T) {
	check.Bubble(t, 2*time.Second, "50 tasks were woken by 4 goroutines, and by themselves, and are not polled to their end", func(t testing.TB) {
		p := NewPool()
		var over atomic.Bool
		wakers := make(chan Waker, 50)
		for range cap(wakers) {
			var polling atomic.Int32
			first := true
			p.Spawn(func(w Waker) bool {
				if polling.Add(1) > 1 {
					t.Error("a task is polled by two workers at the same time")
				}
				defer polling.Add(-1)
				if first {
					first = false
					wakers <- w
					w.Wake()
				}
				return over.Load()
			})
		}
		wait := testWork(t, p, 4)
		var all []Waker
		for range cap(wakers) {
			all = append(all, <-wakers)
		}
		var storm sync.WaitGroup
		for range 4 {
			storm.Go(func() {
				for range 100 {
					for _, w := range all {
						w.Wake()
					}
				}
			})
		}
		storm.Wait()
		over.Store(true)
		for _, w := range all {
			w.Wake()
		}
		wait()
	})
}
