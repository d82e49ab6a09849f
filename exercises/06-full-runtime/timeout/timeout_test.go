package main

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed timeout.go
var testSource string

const testBlocks = "Poll, Extend and Close must return at once: it's cx.timers that waits for the time to pass; does something of yours wait, too?"

func testTry(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestValueThatIsThere" {
		t.Skip("not tried: timeout.go is not started")
	}
	check.Instant(t, testBlocks, func(t testing.TB) {
		check.Started(t, "timeout.go", testSource)
		f(t)
	})
}

// A testClock has the timers of a runtime. Its time passes when a test says so.
type testClock struct {
	time   time.Duration
	heap   []*testAlarm // in order of their deadlines
	starts int
}

// A testAlarm is a timer.
type testAlarm struct {
	clock    *testClock
	deadline time.Duration
	waker    Waker
	done     bool
}

func (c *testClock) now() time.Duration { return c.time }

func (c *testClock) start(d time.Duration, w Waker) timer {
	a := &testAlarm{clock: c, deadline: c.time + min(d, math.MaxInt64-c.time), waker: w}
	c.heap = append(c.heap, a)
	slices.SortStableFunc(c.heap, func(a, b *testAlarm) int { return int(a.deadline - b.deadline) })
	c.starts++
	return a
}

func (c *testClock) pass(d time.Duration) {
	c.time += d
	for len(c.heap) > 0 && c.heap[0].deadline <= c.time {
		a := c.heap[0]
		a.stop()
		a.done = true
		a.waker.Wake()
	}
}

// left returns how many timers are in the heap.
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

// A testLetter is a future that's ready when a test says so.
type testLetter struct {
	text   string // "" until it is there
	empty  bool   // it's there, and it's empty
	fault  any    // what its Poll panics with, if anything
	during func() // what happens in the middle of its Poll, if anything
	polls  int
	closes int
	waker  Waker // of the latest poll
}

func (l *testLetter) Poll(cx *Context) (string, bool) {
	l.polls++
	l.waker = cx.Waker()
	if l.during != nil {
		l.during()
	}
	switch {
	case l.fault != nil:
		panic(l.fault)
	case l.text == "" && !l.empty:
		return "half a letter", false // which isn't a value
	}
	return l.text, true
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
		t.Fatalf("%s: Poll returned %s, want %s", when, got, want)
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
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.text = "hello"
		s.checkPoll(t, "the value is there", testHello)
		s.checkLeft(t, "the value was there at the first Poll: the future, which has finished,", 0)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.empty = true
		s.checkPoll(t, "the value has come, and it's empty", `{"" <nil>}, true`)
		s.checkLeft(t, "an empty value has come: the future, which has finished,", 0)
	})
}

func TestValueInTime(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		if s.waker != &s.testWakes {
			t.Fatal("the future was not polled with the waker of the Poll: when its value comes, nothing is woken")
		}
		s.pass(time.Minute)
		s.text = "hello"
		s.checkPoll(t, "the value has come after a minute of an hour", testHello)
		if len(s.heap) > 0 {
			t.Errorf("the value is there, and %s still in the heap: for 59 minutes, with all that it points to", s.left())
		}
		if s.closes > 0 {
			t.Errorf("the value is there, so the future has finished, and it was closed %d times: there's nothing to close", s.closes)
		}
	})
}

func TestTimeHasPassed(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.pass(time.Hour - 1)
		if s.testWakes > 0 {
			t.Fatalf("a Timeout of 1h has called the waker %d times, 1ns too early", s.testWakes)
		}
		s.checkPoll(t, "1ns is left of 1h, and the value isn't there", testPending)
		s.pass(1)
		if s.testWakes == 0 {
			t.Fatalf("1h has passed since the first Poll, and the waker wasn't called; %d timers were started", s.starts)
		}
		s.checkPoll(t, "1h has passed", testLate)
		if s.closes != 1 {
			t.Errorf("the time has passed, and the future that wasn't ready was closed %d times, want once, before Poll returns: what it holds would be held forever", s.closes)
		}
		if len(s.heap) > 0 {
			t.Errorf("the time has passed, and %s still in the heap, want none", s.left())
		}
	})
}

// The executor fires timers now and then, and the clock goes on meanwhile.
func TestClockIsAhead(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.time += time.Hour
		s.checkPoll(t, "1h has passed, and the executor hasn't come to its timers yet", testLate)
		s.checkLeft(t, "1h had passed, and at that Poll the timer hadn't fired yet: the future, which wasn't ready,", 1)
		s.pass(time.Minute)
		if s.testWakes > 0 {
			t.Errorf("a Timeout is over, and after that its timer has called the waker")
		}
	})
}

func TestTheLongestTime(t *testing.T) {
	testTry(t, func(t testing.TB) {
		const all = math.MaxInt64
		s := testBegin(all)
		s.pass(time.Hour)
		s.checkPoll(t, "the longest Timeout that there is, of 292 years, is polled for the first time when the clock says 1h: is there a sum that is too big?", testPending)
		s.pass(time.Hour)
		s.extend()
		s.checkPoll(t, "the longest Timeout that there is, of 292 years, and something was heard when the clock said 2h: is there a sum that is too big?", testPending)
		s.text = "hello"
		s.checkPoll(t, "the value has come", testHello)
		s.checkLeft(t, "the value has come: the future, which has finished,", 0)
	})
}

func TestValueOfTheLastMoment(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.text = "hello"
		s.pass(time.Hour)
		s.checkPoll(t, "the value has come at the last moment, and so has the deadline, and then Poll is called: the value counts", testHello)
		s.checkLeft(t, "the value has come at the last moment: the future, which has finished,", 0)
	})
}

func TestTimeCountsFromTheFirstPoll(t *testing.T) {
	testTry(t, func(t testing.TB) {
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
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		for !s.poll() {
			if s.time > time.Hour {
				t.Fatalf("a Timeout of 1h is polled each minute, and after %v it is still pending: a poll that finds nothing doesn't start the hour again; %d timers were started", s.time, s.starts)
			}
			if len(s.heap) > 1 {
				t.Fatalf("a Timeout of 1h is polled each minute, and after %v %s in the heap, want 1", s.time, s.left())
			}
			s.pass(time.Minute)
		}
		if s.time != time.Hour {
			t.Fatalf("a Timeout of 1h is polled each minute, and is ready after %v", s.time)
		}
	})
}

// poll reports whether the Timeout is ready.
func (s *testScene) poll() bool {
	_, ready := s.timeout.Poll(&Context{waker: &s.testWakes, timers: &s.testClock})
	return ready
}

func TestLatestPollIsWoken(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s, first, second := testBegin(time.Hour), new(testWakes), new(testWakes)
		s.checkPollFor(t, first, "the value isn't there", testPending)
		s.pass(time.Minute)
		s.checkPollFor(t, second, "the value isn't there", testPending)
		s.pass(time.Hour)
		if *second == 0 {
			t.Fatalf("the Timeout is polled with another waker the second time, and when the time has passed that one is called %d times, and the first one %d times: only the latest counts", *second, *first)
		}
		s.checkPollFor(t, second, "1h has passed", testLate)
	})
}

func TestNoTimeAtAll(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for _, d := range []time.Duration{0, -1, -time.Hour} {
			s := testBegin(d)
			s.text = "hello"
			s.checkPoll(t, fmt.Sprintf("a Timeout of %v, and the value is there at once", d), testHello)
			s = testBegin(d)
			s.checkPoll(t, fmt.Sprintf("a Timeout of %v, and the value isn't there at the first Poll", d), testLate)
			s.checkLeft(t, fmt.Sprintf("a Timeout of %v is over: the future", d), 1)
			if s.polls != 1 {
				t.Errorf("a Timeout of %v has polled the future %d times, want once: it may be ready", d, s.polls)
			}
		}
	})
}

func TestAbandonedTimeout(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.timeout.Close()
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed twice, before its first Poll: its future", 1)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.timeout.Close()
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed twice, while it was pending: its future", 1)
		s.pass(time.Hour)
		if s.testWakes > 0 {
			t.Errorf("a Timeout was closed, and its timer called the waker %d times", s.testWakes)
		}
	})
}

func TestClosedWhenItIsOver(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.text = "hello"
		s.checkPoll(t, "the value is there", testHello)
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed after it had given its value: its future, which has finished,", 0)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.pass(time.Hour)
		s.checkPoll(t, "1h has passed", testLate)
		s.timeout.Close()
		s.checkLeft(t, "a Timeout was closed after its time had passed: its future", 1)
	})
}

// extend says that something was heard.
func (s *testScene) extend() {
	s.timeout.Extend(&Context{waker: &s.testWakes, timers: &s.testClock})
}

func TestExtendPutsItOff(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.pass(40 * time.Minute)
		s.extend()
		s.pass(20 * time.Minute)
		s.checkPoll(t, "1h has passed, but something was heard 20 minutes ago", testPending)
		s.pass(40*time.Minute - 1)
		s.checkPoll(t, "something was heard, and 1ns is left of the hour since then", testPending)
		s.testWakes = 0
		s.pass(1)
		if s.testWakes == 0 {
			t.Fatalf("1h has passed since something was heard, and the waker wasn't called; %d timers were started", s.starts)
		}
		s.checkPoll(t, "1h has passed since something was heard", testLate)
		s.checkLeft(t, "the time has passed: the future, which wasn't ready,", 1)
	})
}

// The task is woken by its own timer only.
func TestExtendedAndLeftAlone(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.pass(59 * time.Minute)
		s.extend()
		for range 10 {
			if s.testWakes = 0; s.time > 2*time.Hour {
				break
			}
			s.pass(time.Minute)
			if s.testWakes > 0 {
				s.checkPoll(t, fmt.Sprintf("something was heard at 59m, it's %v, and the waker was called", s.time), testPending)
			}
		}
		for s.time < 119*time.Minute {
			s.testWakes = 0
			s.pass(time.Minute)
			if s.testWakes > 0 && s.time < 119*time.Minute {
				s.checkPoll(t, fmt.Sprintf("something was heard at 59m, it's %v, and the waker was called", s.time), testPending)
			}
		}
		if s.testWakes == 0 {
			t.Fatalf("a Timeout of 1h, and something was heard at 59m. The task was polled whenever its waker was called. At %v the hour is over, and nothing has called the waker; %d timers were started", s.time, s.starts)
		}
		s.checkPoll(t, "1h has passed since something was heard", testLate)
	})
}

// A busy connection: a thousand signs of life in each hour.
func TestExtendIsCheap(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		wakers := []Waker{&s.testWakes, new(testWakes), new(testWakes)}
		for i := range 3600 * 5 {
			s.pass(time.Second)
			s.extend()
			s.checkPollFor(t, wakers[i/100%3], "something is heard each second", testPending)
			if len(s.heap) != 1 {
				t.Fatalf("something is heard each second, and after %v %s in the heap, want 1", s.time, s.left())
			}
		}
		if s.starts > 6 {
			t.Fatalf("a Timeout of 1h, and something is heard each second. In 5h, %d timers were started, want one per hour at most, whatever the waker: the heap is for timers that fire, and this one is put off 18,000 times", s.starts)
		}
		s.pass(time.Hour)
		s.checkPoll(t, "1h has passed since something was heard", testLate)
	})
}

func TestExtendAtOtherTimes(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.extend()
		if s.starts > 0 || s.polls > 0 {
			t.Fatalf("Extend before the first Poll has started %d timers and polled the future %d times: before the first Poll nothing happens", s.starts, s.polls)
		}
		s.pass(time.Hour)
		s.checkPoll(t, "Extend was called 1h before the first Poll, and the time counts from that", testPending)
		s.pass(time.Hour)
		s.extend()
		s.checkPoll(t, "1h has passed, the timer has fired, and then something was heard before the Poll", testPending)
		s.pass(time.Hour)
		s.checkPoll(t, "1h has passed since something was heard", testLate)
		s.extend()
		s.checkLeft(t, "Extend was called after the time had passed: the future", 1)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.timeout.Close()
		s.extend()
		s.checkLeft(t, "Extend was called after Close: the future", 1)
	})
}
