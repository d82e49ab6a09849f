package main

import (
	_ "embed"
	"fmt"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed store.go
var testSource string

const testBlocks = "Poll and Done may wait for nothing but the lock; is it taken twice, or never given back?"

// testWakes counts.
type testWakes struct{ n int }

func (w *testWakes) Wake() { w.n++ }

// testPoll polls j, and wants this answer.
func testPoll(t testing.TB, j *Jobs, w Waker, when string, want bool) {
	t.Helper()
	if _, ready := j.Poll(&Context{waker: w}); ready != want {
		t.Fatalf("%s: Poll returned %t, want %t", when, ready, want)
	}
}

func TestJobsAreDoneBeforeThePoll(t *testing.T) {
	n := 1 + check.Random(t).IntN(5)
	check.Instant(t, testBlocks, func(t testing.TB) {
		j := NewJobs(new(order.Mutex), n)
		for range n {
			j.Done()
		}
		testPoll(t, j, new(testWakes), fmt.Sprintf("all of %d jobs are done", n), true)
	})
}

func TestJobsAreDoneBetweenPolls(t *testing.T) {
	n := 2 + check.Random(t).IntN(4)
	check.Instant(t, testBlocks, func(t testing.TB) {
		j, w := NewJobs(new(order.Mutex), n), new(testWakes)
		for done := range n {
			testPoll(t, j, w, fmt.Sprintf("%d of %d jobs are done", done, n), false)
			testPoll(t, j, w, fmt.Sprintf("%d of %d jobs are done, and it's polled once more", done, n), false)
			if w.n > 0 {
				t.Fatalf("%d of %d jobs are done, and the waker has been called %d times: each call is another poll, at once, and so on, on a whole core", done, n, w.n)
			}
			j.Done()
		}
		if w.n == 0 {
			t.Fatalf("all of %d jobs are done after the poll, and the waker wasn't called: does Poll leave it behind?", n)
		}
		testPoll(t, j, w, "after the wake", true)
	})
}

func TestLatestPollIsWoken(t *testing.T) {
	check.Instant(t, testBlocks, func(t testing.TB) {
		j, first, second := NewJobs(new(order.Mutex), 1), new(testWakes), new(testWakes)
		testPoll(t, j, first, "one job is left", false)
		testPoll(t, j, second, "one job is left", false)
		j.Done()
		if second.n == 0 {
			t.Errorf("the future was polled with one waker, and then with another one. When the last job was done, the first waker was called %d times and the second %d times: only the waker of the latest poll counts", first.n, second.n)
		}
	})
	check.Instant(t, testBlocks, func(t testing.TB) {
		j, first, second := NewJobs(new(order.Mutex), 2), new(testWakes), new(testWakes)
		testPoll(t, j, first, "two jobs are left", false)
		testPoll(t, j, second, "two jobs are left", false)
		j.Done()
		testPoll(t, j, first, "one job is left", false)
		if first.n+second.n > 0 {
			t.Errorf("the future was polled with one waker, with another one, and with the first one again. A job is left, and the wakers were called %d and %d times: as long as jobs are left, a waker that's replaced isn't called either", first.n, second.n)
		}
	})
}

var testMany = []int{1, 2, 3, 4, 5, 63, 64, 65, 255, 256, 257, 1000, 65_535, 65_536, 65_537}

// It's polled once, however many jobs are left then.
func TestOnePollIsEnough(t *testing.T) {
	check.Instant(t, testBlocks, func(t testing.TB) {
		for _, n := range testMany {
			for _, done := range []int{0, 1} { // before the poll
				if done == n {
					continue
				}
				j, w := NewJobs(new(order.Mutex), n), new(testWakes)
				for range done {
					j.Done()
				}
				testPoll(t, j, w, fmt.Sprintf("%d of %d jobs are left", n-done, n), false)
				for left := n - done; left > 0; left-- {
					if w.n > 0 {
						t.Fatalf("the future was polled when %d jobs were left; now %d are left, and the waker has been called %d times: as long as jobs are left, no waker is called", n-done, left, w.n)
					}
					j.Done()
				}
				if w.n == 0 {
					t.Fatalf("the future was polled once, when %d jobs were left, and after the last one the waker wasn't called: does Poll keep it, however many jobs are left?", n-done)
				}
				testPoll(t, j, w, fmt.Sprintf("all of %d jobs are done", n), true)
			}
		}
	})
}

// It's polled before each job is done, with another waker each time.
func TestManyPolls(t *testing.T) {
	check.Instant(t, testBlocks, func(t testing.TB) {
		n := testMany[len(testMany)-1]
		j, before, latest := NewJobs(new(order.Mutex), n), 0, 0
		for left := n; left > 0; left-- {
			if _, ready := j.Poll(&Context{waker: testFunc(func() { before++ })}); ready {
				t.Fatalf("%d of %d jobs are left, and Poll returned true, want false", left, n)
			}
			testPoll(t, j, testFunc(func() { latest++ }), fmt.Sprintf("%d of %d jobs are left", left, n), false)
			if before+latest > 0 {
				t.Fatalf("%d of %d jobs are left, and a waker was called, want none", left, n)
			}
			j.Done()
		}
		if latest == 0 || before > 0 {
			t.Fatalf("the last of %d jobs is done, and the waker of the latest Poll was called %d times, and the one before it %d times, want the latest", n, latest, before)
		}
	})
}

// A testFunc is a waker of a type that can't be compared.
type testFunc func()

func (f testFunc) Wake() { f() }

// All orders of a poller and two jobs.
func TestEveryOrder(t *testing.T) {
	order.All(t, "store.go", testSource, order.Scenario{
		Story: "a poller polls until it's ready, and two jobs end meanwhile",
		Run: func(s *order.Schedule) {
			j := NewJobs(new(order.Mutex), 2)
			s.Go("poller", func() {
				for {
					w := s.Waker()
					if _, ready := j.Poll(&Context{waker: w}); ready {
						return
					}
					w.Sleep()
				}
			})
			for _, name := range []string{"job 1", "job 2"} {
				s.Go(name, j.Done)
			}
		},
	})
}
