package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testHangs = "Wake and Pop must return at once; do they wait for anything but the lock, or is it never given back?"

// A testGate is a lock that lets somebody else come in when it is free: before
// the first Lock, after the first Unlock, before the second Lock, and so on.
// All that happens on one goroutine.
type testGate struct {
	t       testing.TB
	held    bool
	moment  int
	at      int    // the moment at which
	between func() // somebody else comes
}

// during does something, in which somebody else comes in at a moment of this
// number, if there are so many.
func (g *testGate) during(at int, between, do func()) (came bool) {
	g.t.Helper()
	g.moment, g.at, g.between = 0, at, between
	do()
	came, g.at = g.moment >= at, 0
	if g.moment < 2 {
		g.t.Fatal("the lock that NewQueue was given is not taken: somebody else may change the queue at any moment")
	}
	return came
}

func (g *testGate) pass() {
	if g.moment++; g.moment == g.at {
		g.between()
	}
}

func (g *testGate) Lock() {
	g.t.Helper()
	g.pass()
	if g.held {
		g.t.Fatal("the lock is taken while it is held; with a sync.Mutex that waits for ever")
	}
	g.held = true
}

func (g *testGate) Unlock() {
	g.t.Helper()
	if !g.held {
		g.t.Fatal("the lock is given back, and nobody has it")
	}
	g.held = false
	g.pass()
}

// A testExecutor counts how often it is woken, and may do something then.
type testExecutor struct {
	gate  *testGate
	woken int
	then  func()
}

func (e *testExecutor) Wake() {
	e.gate.t.Helper()
	if e.gate.held {
		e.gate.t.Fatal("the executor is woken with the lock held: it may look into the queue at once, and waits for the lock that whoever wakes it holds")
	}
	e.woken++
	if e.then != nil {
		e.then()
	}
}

// testTry runs f with a queue and its tasks 1 to 5; the others are not used.
func testTry(t *testing.T, f func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor)) {
	t.Helper()
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		e := &testExecutor{gate: &testGate{t: t}}
		q := NewQueue(e.gate, e)
		var tasks [6]*Task
		for id := range tasks {
			tasks[id] = q.NewTask(id)
		}
		f(t, q, tasks, e)
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
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		if got := testPops(q); got != "" {
			t.Fatalf("nobody was woken, and Pop gave %q", got)
		}
		tasks[1].Wake()
		got := testPops(q)
		if got == "" && e.gate.moment == 0 {
			t.Fatal("queue.go is not started: task 1 was woken, Pop gave nil, and nobody has touched the lock")
		}
		if got != "1" {
			t.Fatalf("task 1 was woken, and Pop gave %q, want \"1\", and then nil", got)
		}
	})
}

func TestFirstWokenIsFirstPopped(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
		for _, id := range []int{3, 1, 4, 2, 5} {
			tasks[id].Wake()
		}
		if got, want := testPops(q), "3 1 4 2 5"; got != want {
			t.Fatalf("tasks %s were woken, and Pop gave %q: not in the order of their wakes", want, got)
		}
		tasks[1].Wake()
		tasks[2].Wake()
		q.Pop()
		tasks[3].Wake()
		tasks[1].Wake()
		if got, want := testPops(q), "2 3 1"; got != want {
			t.Errorf("tasks 1 and 2 were woken, 1 was popped, 3 and 1 were woken, and Pop gave %q, want %q", got, want)
		}
	})
}

func TestOnceHoweverOftenWoken(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, _ *testExecutor) {
		for range 1000 {
			tasks[1].Wake()
		}
		tasks[2].Wake()
		tasks[1].Wake()
		if got, want := testPops(q), "1 2"; got != want {
			t.Errorf("task 1 was woken 1,000 times, then 2, then 1 again, and Pop gave %q, want %q: it is in the queue once, and each wake more is a poll for nothing", got, want)
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
				t.Fatalf("task 1 was woken, popped, and woken again, and now Pop gave %q, want \"1\": that wake is lost, and the task sleeps for ever", got)
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

func TestExecutorIsWoken(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		for n := 1; n <= 3; n++ {
			before := e.woken
			tasks[n].Wake()
			if e.woken == before {
				t.Fatalf("the queue was empty, task %d was woken, and nobody has woken the executor, which may be asleep", n)
			}
			q.Pop()
		}
	})
}

func TestExecutorLooksAtOnce(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		got := "nothing, as nobody has woken it"
		e.then = func() {
			e.then = nil
			got = testPops(q)
		}
		tasks[1].Wake()
		if got != "1" {
			t.Errorf("task 1 was woken, the executor looked as soon as it was woken, and found %q, want \"1\": it was woken before the task was in the queue, goes to sleep again, and nobody is left to wake it", got)
		}
	})
}

func TestTwoWakesAtOnce(t *testing.T) {
	for at := 1; at <= 6; at++ {
		testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
			e.gate.during(at, tasks[1].Wake, tasks[1].Wake)
			if got := testPops(q); got != "1" {
				t.Fatalf("two goroutines wake it at once: while Wake of task 1 is under way, when the lock is free, another one comes; and Pop gave %q, want \"1\": look and put must not be cut in two", got)
			}
		})
	}
}

func TestTwoTasksWokenAtOnce(t *testing.T) {
	for at := 1; at <= 6; at++ {
		testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
			e.gate.during(at, tasks[2].Wake, tasks[1].Wake)
			if e.woken == 0 {
				t.Fatal("the queue was empty; while Wake of task 1 is under way, when the lock is free, task 2 is woken; and nobody has woken the executor, which may be asleep: with the lock free, what you see of the queue may be the work of others")
			}
		})
	}
}

func TestPopDuringTheWake(t *testing.T) {
	for at := 1; at <= 6; at++ {
		testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
			got, before := "", 0
			look := func() { got, before = testPops(q), e.woken }
			if came := e.gate.during(at, look, tasks[1].Wake); came && got == "" && e.woken == before {
				t.Fatal("the executor has looked into the queue while Wake is under way, when the lock is free, and found nothing; it sleeps, and nobody has woken it since")
			}
			if rest := testPops(q); got+rest != "1" {
				t.Fatalf("task 1 was woken, the executor looked while Wake was under way and afterwards, and Pop gave %q and then %q, want \"1\", once", got, rest)
			}
		})
	}
}

func TestWakeDuringThePop(t *testing.T) {
	for at := 1; at <= 6; at++ {
		testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
			tasks[1].Wake()
			tasks[2].Wake()
			var first *Task
			if !e.gate.during(at, tasks[3].Wake, func() { first = q.Pop() }) {
				return
			}
			if got := testPops(q); first != tasks[1] || got != "2 3" {
				t.Fatalf("tasks 1 and 2 are in the queue, 3 is woken while Pop is under way, when the lock is free; the next Pops give %q, want \"2 3\"", got)
			}
		})
	}
}

// After its last Unlock Pop has nothing to say any more.
func TestWokenAtTheEndOfItsPop(t *testing.T) {
	testTry(t, func(t testing.TB, q *Queue, tasks [6]*Task, e *testExecutor) {
		tasks[3].Wake()
		e.gate.moment = 0
		q.Pop()
		last := e.gate.moment
		tasks[1].Wake()
		tasks[2].Wake()
		var first *Task
		e.gate.during(last, tasks[1].Wake, func() { first = q.Pop() })
		if got, want := testPops(q), "2 1"; first == tasks[1] && got != want {
			t.Fatalf("tasks 1 and 2 are in the queue, and 1 is woken when the Pop that gives it has unlocked for the last time; the next Pops give %q, want %q: does Pop change something after that, with the lock free? What is written without the lock, another thread need not see", got, want)
		}
	})
}

func TestManyTasks(t *testing.T) {
	check.Bubble(t, 2*time.Second, "10,000 tasks were woken while the executor was busy, and Wake waits; does the queue have room for as many tasks as there are? Whoever wakes must not wait, as it may be a task of the same executor", func(t testing.TB) {
		e := &testExecutor{gate: &testGate{t: t}}
		q := NewQueue(e.gate, e)
		for id := range 10_000 {
			q.NewTask(id).Wake()
		}
		for id := range 10_000 {
			if task := q.Pop(); task == nil || task.ID != id {
				t.Fatalf("10,000 tasks were woken, and Pop number %d did not give task %d", id+1, id)
			}
		}
	})
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
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
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
