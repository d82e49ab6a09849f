package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed queue.go
var testSource string

const testHangs = "Wake and Pop may wait for nothing but the lock; is it never given back?"

// A testLock is a lock of which the test knows whether it's held.
type testLock struct {
	t    testing.TB
	held bool
	used int // how often it was taken
}

func (l *testLock) Lock() {
	if l.held {
		l.t.Helper()
		l.t.Fatal("the lock is taken while it's held; with a sync.Mutex that waits forever")
	}
	l.held, l.used = true, l.used+1
}

func (l *testLock) Unlock() {
	if !l.held {
		l.t.Helper()
		l.t.Fatal("the lock is given back, and it isn't held")
	}
	l.held = false
}

// A testExecutor counts how often it's woken, and may do something then.
type testExecutor struct {
	lock  *testLock
	woken int
	then  func()
}

func (e *testExecutor) Wake() {
	if e.lock.held {
		e.lock.t.Helper()
		e.lock.t.Fatal("the executor is woken with the lock held: it may look into the queue at once, and waits for the lock")
	}
	e.woken++
	if e.then != nil {
		e.then()
	}
}

// testTry runs f with a queue and its tasks 1 to 5; the others aren't used.
func testTry(t *testing.T, f func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor)) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: queue.go is not started")
	}
	check.Instant(t, testHangs, func(t testing.TB) {
		e := &testExecutor{lock: &testLock{t: t}}
		q := NewQueue(e.lock, e)
		var tasks [6]*Task
		for id := range tasks {
			tasks[id] = q.NewTask(id)
		}
		f(t, q, tasks, e)
		if e.lock.held {
			t.Error("at the end the lock is still held")
		}
		if e.lock.used == 0 {
			t.Error("the lock that NewQueue was given was never taken")
		}
	})
}

// testPops takes out what is there: "1 2" are two tasks, and then nil.
func testPops(q *Queue) string {
	var ids []string
	for range 20 {
		t := q.Pop()
		if t == nil {
			return strings.Join(ids, " ")
		}
		ids = append(ids, fmt.Sprint(t.ID))
	}
	return strings.Join(ids, " ") + " and so on"
}

func TestWokenIsPopped(t *testing.T) {
	check.Started(t, "queue.go", testSource)
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		if got := testPops(q); got != "" {
			t.Fatalf("no task was woken, and Pop gave %q", got)
		}
		tasks[1].Wake()
		got := testPops(q)
		if got != "1" {
			t.Fatalf("task 1 was woken, and Pop gave %q, want \"1\", and then nil", got)
		}
	})
}

func TestFirstWokenIsFirstPopped(t *testing.T) {
	r := check.Random(t)
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
		var queued []int // what must be in the queue
		var story []string
		for range 200 {
			id := 1 + r.IntN(5)
			in := false
			for _, other := range queued {
				in = in || other == id
			}
			if r.IntN(2) == 0 {
				story = append(story, fmt.Sprintf("task %d is woken", id))
				tasks[id].Wake()
				if !in {
					queued = append(queued, id)
				}
				continue
			}
			got, want := q.Pop(), (*Task)(nil)
			if len(queued) > 0 {
				want, queued = tasks[queued[0]], queued[1:]
			}
			story = append(story, "Pop")
			if got != want {
				t.Fatalf("%s: this Pop gave %s, want %s: not in the order of their wakes, or a place has changed", strings.Join(story[max(len(story)-12, 0):], ", "), testName(got), testName(want))
			}
		}
	})
}

func testName(t *Task) string {
	if t == nil {
		return "nil"
	}
	return fmt.Sprintf("task %d", t.ID)
}

// NewTask is called at any time, also when some tasks are in the queue, and
// others have been.
func TestNewTaskWhileOthersAreQueued(t *testing.T) {
	for gone := range 7 {
		for queued := range 6 {
			story := fmt.Sprintf("task 1 was woken and popped, %d times; then tasks 1 to 5 were woken, and NewTask made a sixth one when %d of them were in the queue; it was woken as the last", gone, queued)
			testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
				over := false
				defer func() {
					if !over && !t.Failed() {
						t.Errorf("%s; and your code panics, in the line below", story)
					}
				}()
				for range gone {
					tasks[1].Wake()
					q.Pop()
				}
				for id := 1; id <= queued; id++ {
					tasks[id].Wake()
				}
				newest := q.NewTask(6)
				for id := queued + 1; id <= 5; id++ {
					tasks[id].Wake()
				}
				newest.Wake()
				if got, want := testPops(q), "1 2 3 4 5 6"; got != want {
					t.Fatalf("%s; and Pop gave %q, want %q: what's in the queue stays at its place when NewTask is called", story, got, want)
				}
				over = true
			})
			if t.Failed() {
				return
			}
		}
	}
}

func TestOnceHoweverOftenWoken(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
		for _, n := range []int{1000, 1, 255, 256, 65_536} { // and once again
			for range n {
				tasks[1].Wake()
			}
			tasks[2].Wake()
			tasks[1].Wake()
			if got, want := testPops(q), "1 2"; got != want {
				t.Fatalf("task 1 was woken %d times, then 2, then 1 again, and Pop gave %q, want %q: it's in the queue once, at its place, and each wake more is a poll for nothing", n, got, want)
			}
		}
	})
}

// Whether there's something in the queue is shared, so even a look at an empty
// queue, or at a task that's in, takes the lock.
func TestEachLookTakesTheLock(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		for _, step := range []struct {
			what string
			do   func()
		}{
			{"Pop of a new queue", func() { q.Pop() }},
			{"Wake of a new task", tasks[1].Wake},
			{"Wake of a task that's in the queue", tasks[1].Wake},
			{"Wake of another task", tasks[2].Wake},
			{"Wake of the first task of two", tasks[1].Wake},
			{"Pop", func() { q.Pop() }},
			{"Pop of the last task", func() { q.Pop() }},
			{"Pop of a queue that's empty again", func() { q.Pop() }},
			{"Wake of a task that's out again", tasks[1].Wake},
		} {
			before := e.lock.used
			if step.do(); e.lock.used == before {
				t.Fatalf("%s came back without having taken the lock: its answer is about something that others change, also if it's an atomic variable", step.what)
			}
		}
	})
}

// As it is when something comes during its poll.
func TestWokenAfterItWasPopped(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
		for range 3 {
			tasks[1].Wake()
			q.Pop()
			tasks[1].Wake()
			if got := testPops(q); got != "1" {
				t.Fatalf("task 1 was woken, popped, and woken again, and now Pop gave %q, want \"1\": that wake is lost, and the task sleeps forever", got)
			}
		}
	})
}

func TestTasksThatWakeThemselvesTakeTurns(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
		for id := 1; id <= 3; id++ {
			tasks[id].Wake()
		}
		var got []string
		for range 9 {
			if task := q.Pop(); task != nil {
				got = append(got, fmt.Sprint(task.ID))
				task.Wake()
			}
		}
		if got, want := strings.Join(got, " "), "1 2 3 1 2 3 1 2 3"; got != want {
			t.Errorf("three tasks were woken, each wakes itself again when it was popped, and Pop gave %q, want %q", got, want)
		}
	})
}

func TestQueuesDoNotShare(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		tasks[1].Wake()
		others := &testExecutor{lock: &testLock{t: t}}
		other := NewQueue(others.lock, others)
		if got := testPops(other); got != "" {
			t.Fatalf("a task of one queue was woken, and Pop of another queue, which is new, gave %q, want nil: each queue has its own tasks", got)
		}
		other.NewTask(7).Wake()
		if got := testPops(q); got != "1" {
			t.Fatalf("task 1 of one queue was woken, and then task 7 of another one, and Pop of the first gave %q, want \"1\": each queue has its own tasks", got)
		}
		if others.woken == 0 {
			t.Fatal("a task of an empty queue was woken, while another queue wasn't empty, and its executor wasn't woken")
		}
		if got := testPops(other); got != "7" {
			t.Fatalf("task 1 of one queue was woken, and then task 7 of another one, and Pop of the other gave %q, want \"7\": each queue has its own tasks", got)
		}
	})
}

func TestExecutorIsWoken(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		for n := 1; n <= 3; n++ {
			before := e.woken
			tasks[n].Wake()
			if e.woken == before {
				t.Fatalf("the queue was empty, task %d was woken, and the executor wasn't woken, which may be asleep", n)
			}
			q.Pop()
		}
	})
}

func TestExecutorLooksAtOnce(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		got := "nothing, because it wasn't woken"
		e.then = func() {
			e.then = nil
			got = testPops(q)
		}
		tasks[1].Wake()
		if got != "1" {
			t.Errorf("task 1 was woken, the executor looked as soon as it was woken, and found %q, want \"1\": it was woken before the task was in the queue, goes to sleep again, and nothing is left to wake it", got)
		}
	})
}

func TestManyTasks(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: queue.go is not started")
	}
	check.Bubble(t, 4*time.Second, "10,000 tasks were woken while the executor was busy, and Wake sleeps; does the queue have room for as many tasks as there are? Wake must not wait, because its caller may be a task of the same executor", func(t testing.TB) {
		allocated := 0.0
		for _, n := range []int{1, 100, 1000, 10_000} {
			e := &testExecutor{lock: &testLock{t: t}}
			q := NewQueue(e.lock, e)
			tasks := make([]*Task, n)
			for id := range tasks {
				tasks[id] = q.NewTask(id)
			}
			runs := 0
			allocated += testing.AllocsPerRun(1, func() {
				if runs++; runs == 1 {
					return // this one isn't counted, and a queue may only grow at its first tasks
				}
				for _, task := range tasks {
					task.Wake()
				}
				for id := range tasks {
					if task := q.Pop(); task != tasks[id] {
						t.Fatalf("%d tasks were woken, one after the other, and Pop number %d gave %s, want task %d: has the queue room for as many tasks as there are?", n, id+1, testName(task), id)
					}
				}
			})
		}
		if allocated > 2 {
			t.Errorf("1, 100, 1,000 and 10,000 tasks were woken and popped, each time in a new queue, and that allocated memory %.0f times, want 0: what a task needs to be in the queue can be in the task from the beginning", allocated)
		}
	})
}

// All orders of wakes and an executor.
func TestEveryOrder(t *testing.T) {
	// run is an executor that pops until it has seen enough, and sleeps if there's
	// nothing to pop.
	run := func(s *order.Schedule, q *Queue, parker *order.Waker, enough func(id int) bool) {
		s.Go("executor", func() {
			for {
				task := q.Pop()
				if task == nil {
					parker.Sleep()
				} else if enough(task.ID) {
					return
				}
			}
		})
	}
	parkerOf := func(s *order.Schedule) *order.Waker {
		w := s.Waker()
		w.Name = "the executor's waker"
		return w
	}
	order.All(t, "queue.go", testSource,
		order.Scenario{Bound: 1, Story: "two wakers wake a task each, and the executor pops until it has both", Run: func(s *order.Schedule) {
			parker := parkerOf(s)
			q := NewQueue(new(order.Mutex), parker)
			one, two := q.NewTask(1), q.NewTask(2)
			popped := make(map[int]int)
			run(s, q, parker, func(id int) bool {
				if popped[id]++; popped[id] > 1 {
					s.Fatalf("task %d was woken once, and popped twice", id)
				}
				return len(popped) == 2
			})
			s.Go("waker 1", one.Wake)
			s.Go("waker 2", two.Wake)
			s.Finally(func() {
				if parker.Count == 0 {
					s.Fatalf("the first of the two wakes has put its task into an empty queue, and the executor's waker wasn't called")
				}
			})
		}},
		order.Scenario{Story: "two wakers wake the same task, when what it waits for has come from both of them; the executor polls it until it has seen both", Run: func(s *order.Schedule) {
			parker := parkerOf(s)
			q := NewQueue(new(order.Mutex), parker)
			task, come := q.NewTask(1), 0
			run(s, q, parker, func(int) bool {
				s.Step("polls the task")
				return come == 2
			})
			for _, name := range []string{"waker 1", "waker 2"} {
				s.Go(name, func() {
					come++
					task.Wake()
				})
			}
		}},
		order.Scenario{Bound: 1, Story: "a spawner makes ten tasks and wakes the last, while a waker wakes another one, and nothing is popped", Run: func(s *order.Schedule) {
			q := NewQueue(new(order.Mutex), parkerOf(s))
			one := q.NewTask(1)
			s.Go("spawner", func() {
				for id := 2; id < 11; id++ {
					q.NewTask(id)
				}
				q.NewTask(11).Wake()
			})
			s.Go("waker", one.Wake)
			s.Finally(func() {
				if got := testPops(q); got != "1 11" && got != "11 1" {
					s.Fatalf("Pop gave %q, want 1 and 11", got)
				}
			})
		}},
		order.Scenario{Story: "two wakers wake the same task while nothing is popped", Run: func(s *order.Schedule) {
			q := NewQueue(new(order.Mutex), parkerOf(s))
			task := q.NewTask(1)
			s.Go("waker 1", task.Wake)
			s.Go("waker 2", task.Wake)
			s.Finally(func() {
				if got := testPops(q); got != "1" {
					s.Fatalf("Pop gave %q, want \"1\": look and put must not be cut in two", got)
				}
			})
		}},
	)
}

// A testBell is an executor that many goroutines may wake.
type testBell chan struct{}

func (b testBell) Wake() {
	select {
	case b <- struct{}{}:
	default:
	}
}

func TestWakesFromManyGoroutines(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: queue.go is not started")
	}
	check.Bubble(t, 4*time.Second, testHangs, func(t testing.TB) {
		q := NewQueue(new(sync.Mutex), make(testBell, 1))
		tasks, polls := make([]*Task, 10), make(map[*Task]int)
		for id := range tasks {
			tasks[id] = q.NewTask(id)
		}
		var storm sync.WaitGroup
		for range 8 {
			storm.Go(func() {
				for range 100 {
					for _, task := range tasks {
						task.Wake()
					}
				}
			})
		}
		var over atomic.Bool
		go func() { storm.Wait(); over.Store(true) }()
		for last := false; !last; runtime.Gosched() {
			last = over.Load() // all wakes were before this look
			for task := q.Pop(); task != nil; task = q.Pop() {
				polls[task]++
			}
		}
		for id, task := range tasks {
			if n := polls[task]; n == 0 || n > 800 {
				t.Fatalf("task %d was woken 800 times by 8 goroutines, and Pop gave it %d times", id, n)
			}
		}
	})
}
