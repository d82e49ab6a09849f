package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed yield.go
var testSource string

const testBlocks = "Poll must answer at once; does something in it wait, or loop?"

// testTry runs f in a bubble in which no time may pass.
func testTry(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: yield.go is not started")
	}
	check.Instant(t, testBlocks, f)
}

// A testWaker counts.
type testWaker int

func (w *testWaker) Wake() { *w++ }

// testPoll polls f, and wants this answer, and one wake if it is pending.
func testPoll(t testing.TB, f Future[struct{}], what string, want bool) {
	t.Helper()
	woken := new(testWaker)
	_, ready := f.Poll(&Context{waker: woken})
	if ready != want {
		t.Fatalf("%s returned %t, want %t", what, ready, want)
	}
	switch {
	case !ready && *woken == 0:
		t.Fatalf("%s returned false, and the waker of this poll wasn't called before that (an earlier one's doesn't count): then the task isn't polled again, or later than the others in the queue", what)
	case !ready && *woken > 1:
		t.Fatalf("%s returned false, and has called its waker %d times, want once", what, *woken)
	case ready && *woken > 0:
		t.Fatalf("%s returned true, and has called its waker: that's a poll for nothing", what)
	}
}

func TestYieldIsPendingOnce(t *testing.T) {
	check.Started(t, "yield.go", testSource)
	testTry(t, func(t testing.TB) {
		y := new(Yield)
		testPoll(t, y, "Yield at its first poll", false)
		testPoll(t, y, "Yield at its second poll", true)
	})
}

func TestYieldsDoNotShare(t *testing.T) {
	testTry(t, func(t testing.TB) {
		a, b := new(Yield), new(Yield)
		testPoll(t, a, "one Yield at its first poll", false)
		testPoll(t, b, "another Yield at its first poll", false)
		testPoll(t, a, "one Yield at its second poll", true)
	})
}

func TestStepsOfEachPoll(t *testing.T) {
	type steps struct {
		n, budget int
		want      string // the steps of each poll
	}
	r := check.Random(t)
	drawn := steps{n: 3 + r.IntN(7), budget: 1 + r.IntN(4)}
	for i := range drawn.n {
		if i > 0 && i%drawn.budget == 0 {
			drawn.want += "|"
		}
		drawn.want += fmt.Sprint(i)
	}
	for _, test := range []steps{
		drawn,
		{5, 2, "01|23|4"},
		{6, 3, "012|345"},
		{3, 5, "012"},
		{3, 1, "0|1|2"},
		{0, 2, ""},
	} {
		testTry(t, func(t testing.TB) {
			var polls []string
			var did strings.Builder
			s := &Steps{N: test.n, Budget: test.budget, Do: func(i int) { fmt.Fprint(&did, i) }}
			what := fmt.Sprintf("Steps{N: %d, Budget: %d}", test.n, test.budget)
			for last := false; !last; {
				did.Reset()
				last = len(polls) == strings.Count(test.want, "|")
				woken := new(testWaker)
				_, ready := s.Poll(&Context{waker: woken})
				polls = append(polls, did.String())
				got := strings.Join(polls, "|")
				switch {
				case did.Len() > test.budget:
					t.Fatalf("%s did steps %s in poll number %d, more than its budget: the other tasks wait meanwhile", what, did.String(), len(polls))
				case did.Len() == 0 && len(polls) > 1:
					t.Fatalf("%s did no step in poll number %d, with its budget spent: each poll has a budget of its own", what, len(polls))
				case !strings.HasPrefix(test.want, got):
					t.Fatalf("%s did the steps %s, poll by poll, want %s", what, got, test.want)
				case ready != last:
					t.Fatalf("%s did the steps %s, poll by poll, and returned %t, want %t", what, got, ready, last)
				case !ready && *woken == 0:
					t.Fatalf("%s returned false, and the waker of this poll wasn't called before that (an earlier one's doesn't count): the task isn't polled again", what)
				case !ready && *woken > 1 || ready && *woken > 0:
					t.Fatalf("%s returned %t, and has called its waker %d times: once is enough if there's more to do, and none if not", what, ready, *woken)
				}
			}
		})
	}
}

// A budget is a number of steps, and not a time; and it may be a big one.
func TestBudgetIsANumberOfSteps(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: yield.go is not started")
	}
	for _, test := range []struct {
		n, budget int
		took      time.Duration
		what      string
	}{
		{5, 3, time.Hour, "Steps{N: 5, Budget: 3}, with steps that take an hour,"},
		{150_000, 100_000, 0, "Steps{N: 150000, Budget: 100000}"},
	} {
		check.Bubble(t, 2*time.Second, testBlocks, func(t testing.TB) {
			did := 0
			s := &Steps{N: test.n, Budget: test.budget, Do: func(int) { did++; time.Sleep(test.took) }}
			for poll, want := range []int{test.budget, test.n} {
				if _, ready := s.Poll(&Context{waker: new(testWaker)}); did != want || ready != (poll == 1) {
					t.Fatalf("%s has done %d steps after poll number %d, and returned %t, want %d, and %t: the budget is a number of steps", test.what, did, poll+1, ready, want, poll == 1)
				}
			}
		})
	}
}

// Two calculations have nothing to do with each other. A step of one may poll the
// other, or be under way on another goroutine meanwhile.
func TestPollWhileAStepIsUnderWay(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: yield.go is not started")
	}
	for _, where := range []string{"inside this step", "on another goroutine"} {
		story := "while a step of one Steps was under way, another Steps and a Yield were polled " + where
		check.Instant(t, story+", and that hasn't returned; what do they wait for? Two calculations share nothing, and no lock either", func(t testing.TB) {
			got := ""
			inner := &Steps{N: 2, Budget: 1, Do: func(i int) { got += fmt.Sprint(" inner ", i) }}
			poll := func() {
				_, ready := inner.Poll(&Context{waker: new(testWaker)})
				_, yielded := new(Yield).Poll(&Context{waker: new(testWaker)})
				got += fmt.Sprint(" ", ready, " ", yielded)
			}
			outer := &Steps{N: 2, Budget: 2, Do: func(i int) {
				got += fmt.Sprint(" outer ", i)
				if where == "inside this step" {
					poll()
					return
				}
				over := make(chan bool)
				go func() { defer close(over); poll() }()
				<-over
			}}
			outer.Poll(&Context{waker: new(testWaker)})
			if want := " outer 0 inner 0 false false outer 1 inner 1 true false"; got != want {
				t.Fatalf("%s; they did%s, want%s", story, got, want)
			}
		})
	}
}

// A small budget, and thousands of polls.
func TestManyPolls(t *testing.T) {
	testTry(t, func(t testing.TB) {
		const n = 3000
		did := 0
		s := &Steps{N: n, Budget: 1, Do: func(int) { did++ }}
		for poll := 1; poll <= n; poll++ {
			woken := new(testWaker)
			if _, ready := s.Poll(&Context{waker: woken}); did != poll || ready != (poll == n) || (*woken == 1) == ready {
				t.Fatalf("Steps{N: %d, Budget: 1} has done %d steps after poll number %d, returned %t and called its waker %d times, want %[3]d steps, %t, and a wake if there's more to do", n, did, poll, ready, *woken, poll == n)
			}
		}
	})
}

// A testCaller notes where it's called from.
type testCaller struct{ stack atomic.Pointer[string] }

func (c *testCaller) Wake() {
	stack := make([]byte, 1<<16)
	text := string(stack[:runtime.Stack(stack, false)])
	c.stack.Store(&text)
}

func TestPollCallsTheWaker(t *testing.T) {
	testTry(t, func(t testing.TB) {
		var c testCaller
		new(Yield).Poll(&Context{waker: &c})
		if stack := c.stack.Load(); stack != nil && !strings.Contains(*stack, "TestPollCallsTheWaker") && !strings.Contains(*stack, "iter.Pull") {
			t.Fatal("the first poll of Yield doesn't call the waker itself, but starts something that does, and waits for it: that's the same, and a lot slower")
		}
	})
}

// A testLog is what some tasks have done, in the order in which they did it.
type testLog struct{ strings.Builder }

// testRun spawns the futures, and runs them to their end.
func testRun(t *testing.T, futures func(l *testLog) []Future[struct{}], want, sentence string) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: yield.go is not started")
	}
	check.Bubble(t, 2*time.Second, "Run doesn't return: a task isn't polled again, or it's polled again and again for nothing", func(t testing.TB) {
		l, e, start := new(testLog), NewExecutor(nil), time.Now()
		for _, f := range futures(l) {
			Spawn(e, f)
		}
		e.Run()
		if got := l.String(); got != want {
			t.Fatalf("the tasks did %s, want %s: %s", got, want, sentence)
		}
		if took := time.Since(start); took > 0 {
			t.Fatalf("it took %v, and there was nothing to wait for: the next turn comes when the other tasks have had theirs, and not at a time", took)
		}
	})
}

// A testSpeaker says its name, yields, and so on, three times.
type testSpeaker struct {
	log   *testLog
	name  string
	said  int
	yield *Yield
}

func (s *testSpeaker) Poll(cx *Context) (struct{}, bool) {
	for s.said < 3 {
		if s.yield == nil {
			fmt.Fprint(s.log, s.name)
			s.yield = new(Yield)
		}
		if _, ready := s.yield.Poll(cx); !ready {
			return struct{}{}, false
		}
		s.said++
		s.yield = nil
	}
	return struct{}{}, true
}

func TestTasksThatYieldTakeTurns(t *testing.T) {
	testRun(t, func(l *testLog) []Future[struct{}] {
		return []Future[struct{}]{
			&testSpeaker{log: l, name: "a"},
			&testSpeaker{log: l, name: "b"},
			&testSpeaker{log: l, name: "c"},
		}
	}, "abcabcabc", "a task that yields goes to the end of the queue, behind all that were woken before")
}

func TestLongCalculationLetsOthersHaveTheirTurn(t *testing.T) {
	testRun(t, func(l *testLog) []Future[struct{}] {
		return []Future[struct{}]{
			&Steps{N: 6, Budget: 2, Do: func(int) { fmt.Fprint(l, "-") }},
			&testSpeaker{log: l, name: "a"},
			&testSpeaker{log: l, name: "b"},
		}
	}, "--ab--ab--ab", "two steps, then the others, and so on")
}
