package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll and Close must return at once: who waits for the time to pass is cx.timers, does something of yours wait, too?"

// A testClock has the timers of a runtime. Its time passes when a test says so.
type testClock struct {
	now    time.Duration
	heap   []*testAlarm // in order of their deadlines
	starts int
}

// An testAlarm is a timer.
type testAlarm struct {
	clock    *testClock
	deadline time.Duration
	waker    Waker
	done     bool
}

func (c *testClock) start(d time.Duration, w Waker) timer {
	a := &testAlarm{clock: c, deadline: c.now + d, waker: w}
	c.heap = append(c.heap, a)
	slices.SortStableFunc(c.heap, func(a, b *testAlarm) int { return int(a.deadline - b.deadline) })
	c.starts++
	return a
}

func (c *testClock) pass(d time.Duration) {
	c.now += d
	for len(c.heap) > 0 && c.heap[0].deadline <= c.now {
		a := c.heap[0]
		a.stop()
		a.done = true
		a.waker.Wake()
	}
}

// left says how many timers are in the heap.
func (c *testClock) left() string {
	if len(c.heap) == 1 {
		return "1 timer is"
	}
	return fmt.Sprintf("%d timers are", len(c.heap))
}

func (a *testAlarm) fired() bool      { return a.done }
func (a *testAlarm) setWaker(w Waker) { a.waker = w }
func (a *testAlarm) stop() {
	a.clock.heap = slices.DeleteFunc(a.clock.heap, func(other *testAlarm) bool { return a == other })
}

// testWakes counts.
type testWakes int

func (w *testWakes) Wake() { *w++ }

// A testLetter is a future of which the tests say when it is there.
type testLetter struct {
	text   string // "" until it is there
	polls  int
	closes int
	waker  Waker // of the latest poll
}

func (l *testLetter) Poll(cx *Context) (string, bool) {
	l.polls++
	l.waker = cx.Waker()
	return l.text, l.text != ""
}

func (l *testLetter) Close() error {
	l.closes++
	return nil
}

func testTold(r Result[string], ready bool) string {
	err := fmt.Sprint(r.Err)
	if errors.Is(r.Err, ErrTimeout) {
		err = "ErrTimeout"
	}
	return fmt.Sprintf("{%q %s}, %t", r.Value, err, ready)
}

const (
	testPending = `{"" <nil>}, false`
	testHello   = `{"hello" <nil>}, true`
	testLate    = `{"" ErrTimeout}, true`
)

// A testScene is a Timeout of 1h, unless said otherwise, and all around it.
type testScene struct {
	testClock
	testWakes
	testLetter
	timeout *TimedOut[string]
}

func testBegin(d time.Duration) *testScene {
	s := new(testScene)
	s.timeout = Timeout(&s.testLetter, d)
	return s
}

func (s *testScene) checkPoll(t testing.TB, when, want string) {
	t.Helper()
	s.checkPollFor(t, &s.testWakes, when, want)
}

func (s *testScene) checkPollFor(t testing.TB, w Waker, when, want string) {
	t.Helper()
	if got := testTold(s.timeout.Poll(&Context{waker: w, timers: &s.testClock})); got != want {
		t.Fatalf("%s: Poll gave %s, want %s", when, got, want)
	}
}

// checkLeft wants the future to have been closed so many times, and no timer.
func (s *testScene) checkLeft(t testing.TB, when string, closes int) {
	t.Helper()
	if s.closes != closes {
		t.Errorf("%s was closed %d times, want %d", when, s.closes, closes)
	}
	if len(s.heap) > 0 {
		t.Errorf("%s and %s still in the heap, want none", when, s.left())
	}
}

func TestValueThatIsThere(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.text = "hello"
		if got := testTold(s.timeout.Poll(&Context{waker: &s.testWakes, timers: &s.testClock})); got == testPending && s.polls == 0 {
			t.Fatal("timeout.go is not started: Poll has not polled the future, whose value is there")
		} else if got != testHello {
			t.Fatalf("the value is there: Poll gave %s, want %s", got, testHello)
		}
		s.checkLeft(t, "the value was there at the first Poll: the future, which has finished,", 0)
	})
}

func TestValueInTime(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value is not there", testPending)
		if s.waker != &s.testWakes {
			t.Fatal("the future was not polled with the waker of the Poll: when its value comes, nobody is woken")
		}
		s.pass(time.Minute)
		s.text = "hello"
		s.checkPoll(t, "the value has come after a minute of an hour", testHello)
		if len(s.heap) > 0 {
			t.Errorf("the value is there, and %s still in the heap: for 59 minutes, with all that it points to", s.left())
		}
		if s.closes > 0 {
			t.Errorf("the value is there, so the future has finished, and it was closed %d times: there is nothing to give up", s.closes)
		}
	})
}

func TestTimeHasPassed(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value is not there", testPending)
		s.pass(time.Hour - 1)
		if s.testWakes > 0 {
			t.Fatalf("a Timeout of 1h has woken %d times, 1ns too early", s.testWakes)
		}
		s.checkPoll(t, "1ns is left of 1h, and the value is not there", testPending)
		s.pass(1)
		if s.testWakes == 0 {
			t.Fatalf("1h has passed since the first Poll, and nobody was woken; %d timers were started", s.starts)
		}
		s.checkPoll(t, "1h has passed", testLate)
		if s.closes != 1 {
			t.Errorf("the time has passed, and the future that was not ready was closed %d times, want once, before Poll returns: what it holds would be held for ever", s.closes)
		}
		if len(s.heap) > 0 {
			t.Errorf("the time has passed, and %s still in the heap, want none", s.left())
		}
	})
}

func TestValueOfTheLastMoment(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value is not there", testPending)
		s.text = "hello"
		s.pass(time.Hour)
		s.checkPoll(t, "the value has come at the last moment, and so has the deadline, and then Poll is called: the value counts", testHello)
		s.checkLeft(t, "the value has come at the last moment: the future, which has finished,", 0)
	})
}

func TestTimeCountsFromTheFirstPoll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		if s.polls > 0 || s.starts > 0 {
			t.Fatalf("Timeout has polled %d times and has started %d timers: before the first Poll nothing happens", s.polls, s.starts)
		}
		s.pass(2 * time.Hour)
		s.checkPoll(t, "a Timeout of 1h is polled for the first time, 2h after it was made", testPending)
		s.pass(time.Hour - 1)
		s.checkPoll(t, "1ns is left of the hour since the first Poll", testPending)
		s.pass(1)
		s.checkPoll(t, "1h has passed since the first Poll", testLate)
	})
}

func TestPolledAgainAndAgain(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		for !s.poll() {
			if s.now > time.Hour {
				t.Fatalf("a Timeout of 1h is polled each minute, and after %v it is still pending: each Poll is a wake for nothing, and the hour goes on; %d timers were started", s.now, s.starts)
			}
			if len(s.heap) > 1 {
				t.Fatalf("a Timeout of 1h is polled each minute, and after %v %s in the heap, want 1", s.now, s.left())
			}
			s.pass(time.Minute)
		}
		if s.now != time.Hour {
			t.Fatalf("a Timeout of 1h is polled each minute, and is ready after %v", s.now)
		}
	})
}

// poll says whether the Timeout is ready.
func (s *testScene) poll() bool {
	_, ready := s.timeout.Poll(&Context{waker: &s.testWakes, timers: &s.testClock})
	return ready
}

func TestLatestPollIsWoken(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s, first, second := testBegin(time.Hour), new(testWakes), new(testWakes)
		s.checkPollFor(t, first, "the value is not there", testPending)
		s.pass(time.Minute)
		s.checkPollFor(t, second, "the value is not there", testPending)
		s.pass(time.Hour)
		if *second == 0 {
			t.Fatalf("the Timeout is polled by somebody else the second time, with another waker, and when the time has passed that one is woken %d times, and the first one %d times", *second, *first)
		}
		s.checkPollFor(t, second, "1h has passed", testLate)
	})
}

func TestNoTimeAtAll(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		for _, d := range []time.Duration{0, -1, -time.Hour} {
			s := testBegin(d)
			s.text = "hello"
			s.checkPoll(t, fmt.Sprintf("a Timeout of %v, and the value is there at once", d), testHello)
			s = testBegin(d)
			s.checkPoll(t, fmt.Sprintf("a Timeout of %v, and the value is not there at the first Poll", d), testLate)
			s.checkLeft(t, fmt.Sprintf("a Timeout of %v is over: the future", d), 1)
			if s.polls != 1 {
				t.Errorf("a Timeout of %v has polled the future %d times, want once: it may be ready", d, s.polls)
			}
		}
	})
}

func TestAbandonedTimeout(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.timeout.Close()
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed twice, before its first Poll: its future", 1)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value is not there", testPending)
		s.timeout.Close()
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed twice, while it was pending: its future", 1)
		s.pass(time.Hour)
		if s.testWakes > 0 {
			t.Errorf("a Timeout was closed, and its timer woke %d times", s.testWakes)
		}
	})
}

func TestClosedWhenItIsOver(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.text = "hello"
		s.checkPoll(t, "the value is there", testHello)
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed after it had given its value: its future, which has finished,", 0)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value is not there", testPending)
		s.pass(time.Hour)
		s.checkPoll(t, "1h has passed", testLate)
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed after its time had passed: its future", 1)
	})
}
