package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must answer at once; does something in it wait, or loop?"

// A testWaker counts.
type testWaker int

func (w *testWaker) Wake() { *w++ }

// testPoll polls f, and wants this answer, and one wake if it is pending.
func testPoll(t testing.TB, f Future[struct{}], what string, want bool) {
	t.Helper()
	woken := new(testWaker)
	_, ready := f.Poll(&Context{waker: woken})
	if ready != want {
		t.Fatalf("%s gave %t, want %t", what, ready, want)
	}
	switch {
	case !ready && *woken == 0:
		t.Fatalf("%s gave false, and the waker of this poll was not called when it returned (an earlier one's does not count): nobody polls it again, or only later than the others who are in the queue", what)
	case !ready && *woken > 1:
		t.Fatalf("%s gave false, and has called its waker %d times, want once", what, *woken)
	case ready && *woken > 0:
		t.Fatalf("%s gave true, and has called its waker: that is a poll for nothing", what)
	}
}

func TestYieldIsPendingOnce(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		y, steps := new(Yield), 0
		_, ready := y.Poll(&Context{waker: new(testWaker)})
		if (&Steps{N: 1, Budget: 1, Do: func(int) { steps++ }}).Poll(&Context{waker: new(testWaker)}); ready && steps == 0 {
			t.Fatal("yield.go is not started: Yield gave true at its first poll, and Steps has done nothing")
		}
		y = new(Yield)
		testPoll(t, y, "Yield at its first poll", false)
		testPoll(t, y, "Yield at its second poll", true)
	})
}

func TestYieldsDoNotShare(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		a, b := new(Yield), new(Yield)
		testPoll(t, a, "one Yield at its first poll", false)
		testPoll(t, b, "another Yield at its first poll", false)
		testPoll(t, a, "one Yield at its second poll", true)
	})
}

func TestStepsOfEachPoll(t *testing.T) {
	for _, test := range []struct {
		n, budget int
		want      string // the steps of each poll
	}{
		{5, 2, "01|23|4"},
		{6, 3, "012|345"},
		{3, 5, "012"},
		{3, 1, "0|1|2"},
		{0, 2, ""},
	} {
		check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
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
					t.Fatalf("%s did steps %s in poll number %d, more than its budget: the others wait meanwhile", what, did.String(), len(polls))
				case !strings.HasPrefix(test.want, got) && strings.HasSuffix(got, "|"):
					t.Fatalf("%s did no step in poll number %d, with its budget spent: each poll has a budget of its own", what, len(polls))
				case !strings.HasPrefix(test.want, got):
					t.Fatalf("%s did the steps %s, poll by poll, want %s", what, got, test.want)
				case ready != last:
					t.Fatalf("%s did the steps %s, poll by poll, and gave %t, want %t", what, got, ready, last)
				case !ready && *woken == 0:
					t.Fatalf("%s gave false, and the waker of this poll was not called when it returned (an earlier one's does not count): nobody polls it again", what)
				case !ready && *woken > 1 || ready && *woken > 0:
					t.Fatalf("%s gave %t, and has called its waker %d times: once is enough if there is more to do, and none if not", what, ready, *woken)
				}
			}
		})
	}
}

// A testLog is what some tasks have done, in the order in which they did it.
type testLog struct{ strings.Builder }

// testRun spawns the futures, and runs them to their end.
func testRun(t *testing.T, futures func(l *testLog) []Future[struct{}], want, sentence string) {
	t.Helper()
	check.Bubble(t, 2*time.Second, "Run does not return: a task is not polled again, or again and again for nothing", func(t testing.TB) {
		l, e, start := new(testLog), NewExecutor(nil), time.Now()
		for _, f := range futures(l) {
			Spawn(e, f)
		}
		e.Run()
		if got := l.String(); got != want {
			t.Fatalf("the tasks did %s, want %s: %s", got, want, sentence)
		}
		if took := time.Since(start); took > 0 {
			t.Fatalf("it took %v in which nobody had anything to do: the next turn comes when the others have had theirs, and not at a time", took)
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
	}, "abcabcabc", "who yields goes to the end of the queue, behind all who have been woken before")
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
