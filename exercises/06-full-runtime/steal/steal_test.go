package main

import (
	_ "embed"
	"fmt"
	"iter"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed steal.go
var testSource string

const testEndless = "something waits that is not one of the parkers, and not one of the locks that newLock makes, or turns in circles without taking one"

// A testMachine lets threads run one at a time, and decides at each of their
// steps which is next: before a lock is taken, when a worker parks or is woken,
// and in the middle of each poll.
type testMachine struct {
	pair    *Pair
	parkers [2]*testParker
	threads []*testThread
	running *testThread
	tasks   []*testTask
	polls   []string // which worker polled what
	happens []string
	failure string
	steps   int
	locked  int // times that a lock was taken
}

type testThread struct {
	name  string
	next  func() (struct{}, bool) // runs it to its next step
	yield func(struct{}) bool
	free  func() bool // it can go on
	waits string      // what it does while it cannot
	wants *testLock   // that another thread holds
	locks int         // that it holds
	tells bool        // it is in a Wake or Spawn
	wakes int         // of parkers, in that
	over  bool
}

func testNewMachine() *testMachine {
	m := new(testMachine)
	m.parkers = [2]*testParker{{m: m, worker: 0}, {m: m, worker: 1}}
	m.pair = NewPair(func() sync.Locker { return &testLock{m: m} }, [2]Parker{m.parkers[0], m.parkers[1]})
	return m
}

// start makes a thread.
func (m *testMachine) start(name string, f func()) {
	th := &testThread{name: name}
	th.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if v := recover(); v != nil {
				m.failed("%s panics: %v", regexp.MustCompile(`steal\.go:\d+`).Find(debug.Stack()), v)
			}
		}()
		th.yield = yield
		f()
		if th.over = true; th.locks > 0 {
			m.failed("%s is at its end, and still holds a lock", name)
		}
	})
	m.threads = append(m.threads, th)
}

// workers starts both.
func (m *testMachine) workers() {
	for worker := range 2 {
		m.start(fmt.Sprint("worker ", worker), func() { m.pair.Run(worker) })
	}
}

// step lets others run, until this thread is free to go on.
func (m *testMachine) step(waits string, free func() bool) {
	th := m.running
	if th == nil {
		return // before the threads run
	}
	th.waits, th.free = waits, free
	th.yield(struct{}{})
	th.free = nil
}

func (m *testMachine) happened(format string, args ...any) {
	m.happens = append(m.happens, fmt.Sprintf(format, args...))
}

func (m *testMachine) failed(format string, args ...any) {
	if m.failure == "" {
		m.failure = fmt.Sprintf(format, args...)
	}
}

// enabled are the threads that can go on, the running one first.
func (m *testMachine) enabled() (threads []*testThread) {
	for _, th := range m.threads {
		switch {
		case th.over || th.free != nil && !th.free():
		case th == m.running:
			threads = slices.Insert(threads, 0, th)
		default:
			threads = append(threads, th)
		}
	}
	return threads
}

// run runs the threads to their end. choose says which of those that can go on
// is next.
func (m *testMachine) run(choose func(enabled []*testThread) *testThread) {
	for m.failure == "" {
		enabled := m.enabled()
		if len(enabled) == 0 {
			m.checkEnd()
			return
		}
		if m.steps++; m.steps > 2000+10*len(m.tasks) {
			m.failed("%d steps, and no end: %s turns in circles, on a whole processor; a worker that finds nothing to do parks", m.steps-1, m.running.name)
			return
		}
		m.running = choose(enabled)
		m.running.next()
	}
}

// checkEnd says why no thread can go on.
func (m *testMachine) checkEnd() {
	var stuck, open []string
	for _, th := range m.threads {
		switch {
		case th.over:
		case th.wants != nil:
			stuck = append(stuck, fmt.Sprintf("%s waits for a lock that %s holds", th.name, th.wants.holder.name))
		default:
			stuck = append(stuck, th.name+" "+th.waits)
		}
	}
	lost := ""
	for _, t := range m.tasks {
		if !t.finished {
			open = append(open, t.name)
		}
		if t.due && t.polling == nil && !t.finished {
			lost = fmt.Sprintf("%s is to be polled, and no worker does: ", t.name)
		}
	}
	switch {
	case len(open) == 0 && len(stuck) > 0 && strings.HasSuffix(stuck[0], " sleeps"):
		m.failed("all tasks have finished, and %s, forever: what tells it?", strings.Join(stuck, ", "))
	case len(stuck) > 0:
		m.failed("%s%s, forever", lost, strings.Join(stuck, ", "))
	case len(open) > 0:
		m.failed("Run has returned, and not finished: %s", strings.Join(open, ", "))
	}
}

// report tells how it came to the failure.
func (m *testMachine) report() string {
	const last = 12
	order := strings.Join(m.happens[max(len(m.happens)-last, 0):], "; ")
	switch {
	case order == "":
		return m.failure
	case len(m.happens) > last:
		order = "... " + order
	}
	return m.failure + "\nin this order: " + order
}

// A testLock is one of those that newLock makes.
type testLock struct {
	m      *testMachine
	holder *testThread
}

func (l *testLock) Lock() {
	if l.m.running == nil {
		return
	}
	th := l.m.running
	th.wants = l
	l.m.step("", func() bool { return l.holder == nil })
	th.wants, l.holder = nil, th
	th.locks++
	l.m.locked++
}

func (l *testLock) Unlock() {
	if l.m.running == nil {
		return
	}
	if l.holder != l.m.running {
		l.m.failed("%s unlocks what it has not locked", l.m.running.name)
	}
	l.holder = nil
	l.m.running.locks--
}

// A testParker is one that is told when to return.
type testParker struct {
	m      *testMachine
	worker int
	token  bool
}

func (p *testParker) Park() {
	m := p.m
	if m.running.name != fmt.Sprint("worker ", p.worker) {
		m.failed("%s parks in the parker of worker %d", m.running.name, p.worker)
	}
	if m.running.locks > 0 {
		m.failed("%s parks with a lock held: the worker that's to wake it waits for that", m.running.name)
	}
	m.happened("%s parks", m.running.name)
	m.step("sleeps", func() bool { return p.token })
	p.token = false
	m.happened("%s gets up", m.running.name)
}

func (p *testParker) Wake() {
	m := p.m
	if m.running == nil {
		return
	}
	m.step("wakes a worker", nil)
	p.token = true
	if m.running.wakes++; m.running.tells && m.running.wakes > 1 {
		m.failed("%s wakes both workers for one task: there's something to do for one", m.running.name)
	}
}

// A testTask is polled as poll says, and woken by others.
type testTask struct {
	*Task
	m        *testMachine
	name     string
	polls    int
	due      bool // woken since its latest poll began
	waking   int  // wakes under way
	may      bool // be polled: a wake was under way since then
	polling  *testThread
	finished bool
}

// spawn makes a task whose poll is given.
func (m *testMachine) spawn(worker int, poll func(t *testTask, worker int) (ready bool)) *testTask {
	t := &testTask{m: m, name: fmt.Sprint("task ", len(m.tasks)+1), due: true, may: true}
	m.tasks = append(m.tasks, t)
	if th := m.running; th != nil {
		m.happened("%s spawns %s", th.name, t.name)
		th.wakes, th.tells = 0, true
		defer func() { th.tells = false }()
	}
	t.Task = m.pair.Spawn(worker, func(worker int, w Waker) bool {
		by := m.running
		m.checkPoll(t, worker)
		t.polls, t.due, t.may, t.polling = t.polls+1, false, t.waking > 0, by
		m.polls = append(m.polls, fmt.Sprintf("%s by %d", strings.TrimPrefix(t.name, "task "), worker))
		m.happened("%s polls %s", by.name, t.name)
		m.step("is in the poll of "+t.name, nil)
		t.finished = poll(t, worker)
		t.polling = nil
		m.happened("the poll says %t", t.finished)
		return t.finished
	})
	return t
}

func (m *testMachine) checkPoll(t *testTask, worker int) {
	by := m.running
	switch {
	case by == nil || by.name != fmt.Sprint("worker ", worker):
		m.failed("%s is polled by worker %d outside its Run", t.name, worker)
	case t.polling != nil:
		m.failed("%s polls %s while %s is in the middle of polling it", by.name, t.name, t.polling.name)
	case t.finished:
		m.failed("%s polls %s, which has finished", by.name, t.name)
	case !t.may:
		m.failed("%s polls %s, which hasn't been woken since its last poll", by.name, t.name)
	case by.locks > 0:
		m.failed("%s polls %s with a lock held: what it polls may wake and spawn", by.name, t.name)
	}
}

// wake wakes t.
func (t *testTask) wake() {
	th := t.m.running
	t.m.happened("%s wakes %s", th.name, t.name)
	t.due, t.may = true, true
	t.waking++
	th.wakes, th.tells = 0, true
	t.Task.Wake()
	th.tells = false
	t.waking--
}

// inOrder runs the threads as long as they can go on, in this order: "0" is
// worker 0 until it parks or has ended, "1:poll" worker 1 until it is in a poll.
func (m *testMachine) inOrder(order ...string) {
	m.run(func(enabled []*testThread) *testThread {
		for len(order) > 0 {
			who, until, _ := strings.Cut(order[0], ":")
			at := slices.IndexFunc(enabled, func(th *testThread) bool { return th.name == "worker "+who })
			if at >= 0 && (until == "" || !strings.HasPrefix(enabled[at].waits, "is in the poll")) {
				return enabled[at]
			}
			order = order[1:]
		}
		return enabled[0]
	})
}

// testExplore runs a scenario in every order of steps, but that at most so many
// times a thread is interrupted that could go on.
func testExplore(t testing.TB, interruptions int, scenario func(m *testMachine)) {
	t.Helper()
	type decision struct{ choice, options, interrupts int }
	var start []int // the choices to begin with
	began := time.Now()
	for schedules := 1; ; schedules++ {
		m, interrupts := testNewMachine(), 0
		scenario(m)
		var taken []decision
		m.run(func(enabled []*testThread) *testThread {
			d := decision{options: len(enabled), interrupts: interrupts}
			if len(taken) < len(start) {
				d.choice = start[len(taken)]
			}
			if enabled[0] != m.running { // it costs nothing to go on with any of them
				d.interrupts = -1
			} else if d.choice > 0 {
				interrupts++
			}
			taken = append(taken, d)
			return enabled[d.choice]
		})
		if m.failure != "" {
			t.Fatal(m.report())
		}
		more := false
		for i := len(taken) - 1; i >= 0 && !more; i-- {
			d := taken[i]
			if more = d.choice+1 < d.options && d.interrupts < interruptions; more {
				start = start[:0]
				for _, d := range taken[:i] {
					start = append(start, d.choice)
				}
				start = append(start, d.choice+1)
			}
		}
		if !more || time.Since(began) > time.Second {
			t.Logf("%d schedules", schedules)
			return
		}
	}
}

var testWrong bool // an order of steps is known that goes wrong

// testWithin runs a test.
func testWithin(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestOwnQueue" {
		t.Skip("not tried: steal.go is not started")
	}
	defer func() { testWrong = testWrong || t.Failed() }()
	check.Within(t, 3*time.Second, testEndless, func(t testing.TB) {
		check.Started(t, "steal.go", testSource)
		f(t)
	})
}

func testReady(*testTask, int) bool { return true }

// wantPolls wants these polls.
func (m *testMachine) wantPolls(t testing.TB, look string, want ...string) {
	t.Helper()
	if m.failure != "" {
		t.Fatal(m.report())
	}
	if !slices.Equal(m.polls, want) {
		t.Fatalf("the polls (task by worker) were %s, want %s: %s", strings.Join(m.polls, ", "), strings.Join(want, ", "), look)
	}
}

func TestOwnQueue(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		m := testNewMachine()
		for range 3 {
			m.spawn(0, testReady)
		}
		m.start("worker 0", func() { m.pair.Run(0) })
		m.inOrder()
		m.wantPolls(t, "worker 1 does not run, and worker 0 polls what is in its queue, first in, first out", "1 by 0", "2 by 0", "3 by 0")
		if m.locked == 0 {
			t.Fatal("no lock of those that newLock makes was taken: the other worker may take tasks from the queue at any moment")
		}
	})
}

func TestNoTasks(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 2, func(m *testMachine) { m.workers() })
	})
}

func TestHalfIsStolen(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		m := testNewMachine()
		for range 8 {
			m.spawn(0, testReady)
		}
		m.workers()
		m.inOrder("1:poll", "0", "1")
		m.wantPolls(t, "worker 0 has eight tasks; worker 1 steals the older half, and in its first poll takes its time; worker 0 polls the other half, and then steals in its turn, half of what is left each time, rounded up", "1 by 1", "5 by 0", "6 by 0", "7 by 0", "8 by 0", "2 by 0", "3 by 0", "4 by 0")
	})
}

func TestTaskThatWakesItselfQueuesUp(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		m := testNewMachine()
		m.spawn(0, func(t *testTask, _ int) bool {
			t.wake()
			t.wake()
			return t.polls == 3
		})
		m.spawn(0, testReady)
		m.start("worker 0", func() { m.pair.Run(0) })
		m.inOrder()
		m.wantPolls(t, "task 1 wakes itself in its poll, twice: one more poll, and task 2 has its turn before that", "1 by 0", "2 by 0", "1 by 0", "1 by 0")
	})
}

func TestSpawnInAPoll(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		m := testNewMachine()
		m.spawn(0, func(t *testTask, worker int) bool {
			m.spawn(worker, testReady)
			return true
		})
		m.spawn(0, testReady)
		m.start("worker 0", func() { m.pair.Run(0) })
		m.inOrder()
		m.wantPolls(t, "what is spawned comes last", "1 by 0", "2 by 0", "3 by 0")
	})
}

func TestEachHasItsOwnQueue(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		m := testNewMachine()
		for worker := range 2 {
			m.spawn(worker, testReady)
			m.spawn(worker, testReady)
		}
		m.start("worker 1", func() { m.pair.Run(1) })
		m.inOrder()
		m.wantPolls(t, "tasks 3 and 4 are in the queue of worker 1. Worker 0 doesn't run, so worker 1 steals its tasks after that, one at a time", "3 by 1", "4 by 1", "1 by 1", "2 by 1")
	})
}

func TestFinishedTaskIsNotPolled(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 1, func(m *testMachine) {
			first := m.spawn(0, testReady)
			m.spawn(0, func(t *testTask, _ int) bool {
				first.wake()
				t.wake()
				return true
			})
			m.workers()
		})
	})
}

// A task is woken, at any moment.
func TestWakeFromOutside(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 2, func(m *testMachine) {
			there := false
			letter := m.spawn(0, func(*testTask, int) bool { return there })
			m.workers()
			m.start("the waker", func() {
				there = true
				letter.wake()
			})
		})
	})
}

// Woken twice, it may be polled by one and by the other.
func TestWokenTwice(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 2, func(m *testMachine) {
			letters := 0
			box := m.spawn(0, func(*testTask, int) bool { return letters == 2 })
			m.workers()
			m.start("the waker", func() {
				for range 2 {
					letters++
					box.wake()
				}
			})
		})
	})
}

func TestTwoTasksThatWakeEachOther(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 2, func(m *testMachine) {
			var tasks [2]*testTask
			for i := range tasks {
				tasks[i] = m.spawn(i, func(t *testTask, _ int) bool {
					if other := tasks[1-i]; !other.finished {
						other.wake()
					}
					return t.polls == 2
				})
			}
			m.workers()
		})
	})
}

// While a poll takes its time, the other worker does what there's to do.
func TestWorkDoesNotWaitForALongPoll(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 2, func(m *testMachine) {
			m.spawn(0, func(_ *testTask, worker int) bool {
				second := m.spawn(worker, testReady)
				m.step("is in the poll of task 1, a long one, until task 2 has finished", func() bool { return second.finished })
				return true
			})
			m.workers()
		})
	})
}

func TestWokenWorkDoesNotWaitForALongPoll(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 1, func(m *testMachine) {
			there := false
			letter := m.spawn(0, func(*testTask, int) bool { return there })
			m.spawn(0, func(*testTask, int) bool {
				m.step("is in the poll of task 2, a long one, until task 1 has finished", func() bool { return letter.finished })
				return true
			})
			m.workers()
			m.start("the waker", func() {
				there = true
				letter.wake()
			})
		})
	})
}

// Two wakes wake two workers: the first one may have a long poll before it.
func TestTwoWokenWhileBothSleep(t *testing.T) {
	testWithin(t, func(t testing.TB) {
		testExplore(t, 1, func(m *testMachine) {
			there := false
			var letters [2]*testTask
			for i := range letters {
				letters[i] = m.spawn(0, func(*testTask, int) bool {
					if there && i == 0 {
						m.step("is in the poll of task 1, a long one, until task 2 has finished", func() bool { return letters[1].finished })
					}
					return there
				})
			}
			m.workers()
			m.start("the waker", func() {
				there = true
				letters[0].wake()
				letters[1].wake()
			})
		})
	})
}

// A testReal is the parker of chapter 05.
type testReal struct{ token chan struct{} }

func (p testReal) Park() { <-p.token }

func (p testReal) Wake() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}

func TestRealWorkers(t *testing.T) {
	if testWrong || check.IsStub(testSource) {
		t.Skip("not tried: the tests above have found orders of steps that go wrong")
	}
	check.Within(t, 3*time.Second, "with real locks and parkers the workers do not come to their end", func(t testing.TB) {
		newLock := func() sync.Locker { return new(sync.Mutex) }
		p := NewPair(newLock, [2]Parker{testReal{make(chan struct{}, 1)}, testReal{make(chan struct{}, 1)}})
		const tasks, wakes = 200, 5
		var all sync.WaitGroup
		together := func(what string, f func()) {
			all.Go(func() {
				defer func() {
					if v := recover(); v != nil {
						t.Errorf("%s panics: %v", what, v)
					}
				}()
				f()
			})
		}
		var wakers []func()
		for i := range tasks {
			var letters, polling atomic.Int64
			task := p.Spawn(i%2, func(int, Waker) bool {
				if polling.Add(1) > 1 {
					t.Error("a task is polled by both workers at the same time")
				}
				defer polling.Add(-1)
				return letters.Load() == wakes
			})
			wakers = append(wakers, func() {
				for range wakes {
					letters.Add(1)
					task.Wake()
				}
			})
		}
		for _, f := range wakers {
			together("Wake", f)
		}
		for worker := range 2 {
			together("Run", func() { p.Run(worker) })
		}
		all.Wait()
	})
}

// testToken is a parker in a scenario of package order.
type testToken struct {
	s     *order.Schedule
	token bool
}

func (p *testToken) Park() {
	if order.Held() {
		p.s.Fatalf("a worker parks with a lock held: the one that's to wake it waits for that")
	}
	p.s.Wait("gets up", "for a wake", func() bool { return p.token })
	p.token = false
}

func (p *testToken) Wake() {
	p.s.Step("wakes a worker")
	p.token = true
}

// Step by step, and not only lock by lock: is anything touched without one?
func TestEveryStatement(t *testing.T) {
	if testWrong {
		t.Skip("not tried: the tests above have found orders of steps that go wrong")
	}
	order.All(t, "steal.go", testSource, order.Scenario{Story: "a task spawns another, and is woken by a third goroutine", Bound: 1, Run: func(s *order.Schedule) {
		newLock := func() sync.Locker { return new(order.Mutex) }
		p := NewPair(newLock, [2]Parker{&testToken{s: s}, &testToken{s: s}})
		there, spawned := false, false
		task := p.Spawn(0, func(worker int, w Waker) bool {
			if order.Held() {
				s.Fatalf("a task is polled with a lock held: what it polls may wake and spawn")
			}
			if !spawned {
				spawned = true
				p.Spawn(worker, func(int, Waker) bool { return true })
			}
			return there
		})
		for worker := range 2 {
			s.Go(fmt.Sprint("worker ", worker), func() { p.Run(worker) })
		}
		s.Go("waker", func() {
			there = true
			task.Wake()
		})
	}})
}
