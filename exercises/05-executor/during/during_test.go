package main

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed during.go
var testSource string

// testTry runs f in a bubble. No time may pass in it.
func testTry(t *testing.T, sentence string, f func(t testing.TB)) {
	t.Helper()
	check.Bubble(t, 2*time.Second, sentence, func(t testing.TB) {
		t.Helper()
		start := time.Now()
		f(t)
		if took := time.Since(start); took > 0 && !t.Failed() {
			t.Errorf("it took %v, and there was nothing to wait for: a worker sleeps until there's news, and not by the clock", took)
		}
	})
}

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
	testHangs = "each task was woken until it had finished, and Work doesn't return"
	testLost  = "a task wakes itself in its poll, and this poll returns false: it must be polled again, and isn't, by any worker; or does Wake wait?"
)

func TestWokenWhileAsleep(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
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

func TestAllWorkersReturn(t *testing.T) {
	workers := 3 + check.Random(t).IntN(4)
	testTry(t, fmt.Sprintf("one task was polled by one of %d workers, and has finished; the others must return as well, because there's nothing left to do", workers), func(t testing.TB) {
		p := NewPool()
		come := false
		var waker Waker
		p.Spawn(func(w Waker) bool {
			waker = w
			return come
		})
		wait := testWork(t, p, workers)
		synctest.Wait()
		come = true
		waker.Wake()
		wait()
	})
}

func TestWakesItselfInItsPoll(t *testing.T) {
	testTry(t, testLost, func(t testing.TB) {
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
	testTry(t, "a task wakes itself in its poll. Until this poll returns the other worker has nothing to do but sleep: does it wait for a lock, or go round and round? And then the task is to be polled again", func(t testing.TB) {
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
			synctest.Wait() // the other worker has done what it will
			return false
		})
		testWork(t, p, 2)()
	})
}

func TestNoWorkerLeavesEarly(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
		p := NewPool()
		var left atomic.Int32
		polls := 0
		p.Spawn(func(w Waker) bool {
			if polls++; polls > 1 {
				return true
			}
			w.Wake()
			synctest.Wait() // the other worker has done what it will
			if left.Load() > 0 {
				t.Error("the only task is being polled, and hasn't finished, and the other worker's Work has returned: later there may be work for both")
			}
			return false
		})
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				testWork(t, p, 1)()
				left.Add(1)
			})
		}
		all.Wait()
	})
}

func TestWokenByAnotherGoroutineInItsPoll(t *testing.T) {
	testTry(t, "what a task waits for comes while it is being polled, when it has looked already: it is woken then, and its poll returns false. It must be polled again, and isn't, by any worker; or does Wake wait?", func(t testing.TB) {
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
	for _, wakes := range []int{2, 1000, 256, 65_536} {
		testTry(t, testHangs, func(t testing.TB) {
			p := NewPool()
			var polls int
			var waker Waker
			p.Spawn(func(w Waker) bool {
				waker = w
				if polls++; polls == 1 {
					for range wakes {
						w.Wake()
					}
				}
				return polls >= 3
			})
			wait := testWork(t, p, 1)
			synctest.Wait()
			if polls != 2 {
				t.Fatalf("a task was woken %d times in its first poll: polled %d times, want 2", wakes, polls)
			}
			waker.Wake()
			wait()
		})
	}
}

// The news is there when the poll begins.
func TestWokenWhileQueued(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
		p := NewPool()
		var polls, others int
		var waker, other Waker
		come := false
		p.Spawn(func(w Waker) bool {
			waker = w
			polls++
			return come
		})
		p.Spawn(func(w Waker) bool { // while this is polled, the first task is in the queue
			other = w
			if others++; others == 2 {
				for range 3 {
					waker.Wake()
				}
			}
			return come
		})
		wait := testWork(t, p, 1)
		synctest.Wait()
		other.Wake()
		synctest.Wait()
		if polls != 2 {
			t.Fatalf("a task was polled once, and then woken 3 times before its next poll began: polled %d times in all, want 2: that poll sees the news of all three", polls)
		}
		come = true
		waker.Wake()
		other.Wake()
		wait()
	})
}

func TestOnlyWokenTasksArePolled(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
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
			t.Fatalf("a task was spawned, and was never woken: polled %d times, want 1", polls)
		}
		come = true
		waker.Wake()
		wait()
	})
}

func TestTasksThatWakeThemselvesTakeTurns(t *testing.T) {
	for _, want := range []string{"ababab", "abcabcabc", "abcdeabcdeabcde"} {
		testTry(t, testLost, func(t testing.TB) {
			p := NewPool()
			var order strings.Builder
			for _, name := range strings.Split(want[:len(want)/3], "") {
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
			if got := order.String(); got != want {
				t.Errorf("one worker, and %d tasks that wake themselves in each poll but the third: polled in the order %s, want %s; they don't take turns", len(want)/3, got, want)
			}
		})
	}
}

func TestFinishedTaskIsNotPolled(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
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
	testTry(t, "50 tasks were woken by 4 goroutines, and by themselves, and aren't polled to their end", func(t testing.TB) {
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

// All orders of two workers and a goroutine that wakes.
func TestEveryOrder(t *testing.T) {
	order.All(t, "during.go", testSource,
		order.Scenario{Story: "one worker polls a task, and two things that it waits for come meanwhile, with a wake each", Run: func(s *order.Schedule) {
			p, come, finished := NewPool(), 0, false
			var waker Waker
			p.Spawn(func(w Waker) bool {
				if finished {
					s.Fatalf("the task was ready, and is polled again")
				}
				waker = w
				seen := come
				s.Step(fmt.Sprintf("(polls the task, which sees %d of 2)", seen))
				finished = seen == 2
				return finished
			})
			s.Go("worker", p.Work)
			s.Go("waker", func() {
				s.Wait("(the first of 2 comes)", "until the task has been polled", func() bool { return waker != nil })
				come++
				waker.Wake()
				s.Step("(the second of 2 comes)")
				come++
				waker.Wake()
			})
		}},
		order.Scenario{Bound: 1, Story: "two workers poll a task that's woken in its poll, by itself and by another goroutine", Run: func(s *order.Schedule) {
			p, come, polling := NewPool(), false, 0
			var waker Waker
			p.Spawn(func(w Waker) bool {
				if polling++; polling > 1 {
					s.Fatalf("two workers poll the task at the same time")
				}
				defer func() { polling-- }()
				first := waker == nil
				waker = w
				seen := come
				s.Step(fmt.Sprintf("(polls the task, which sees: %t)", seen))
				if first {
					w.Wake()
				}
				return seen
			})
			s.Go("worker 1", p.Work)
			s.Go("worker 2", p.Work)
			s.Go("waker", func() {
				s.Wait("(what the task waits for comes)", "until the task has been polled", func() bool { return waker != nil })
				come = true
				waker.Wake()
			})
		}},
	)
}
