package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// Each timer that's started later, after an Extend, is for the latest Poll as well.
func TestLaterTimersWakeTheLatestPoll(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s, latest := testBegin(time.Hour), new(testWakes)
		s.checkPollFor(t, latest, "the value isn't there", testPending)
		for n := 2; n < 8; n++ {
			s.pass(30 * time.Minute)
			s.extend()
			before := latest
			latest = new(testWakes)
			s.pass(30 * time.Minute)
			s.checkPollFor(t, latest, "something was heard 30 minutes ago", testPending)
			*before = 0
			s.pass(9 * time.Minute)
			if n%2 == 1 { // a timer may also get another waker
				before, latest = latest, new(testWakes)
				s.checkPollFor(t, latest, "something was heard 39 minutes ago", testPending)
				*before = 0
			}
			s.pass(20 * time.Minute)
			s.extend() // put off, and the timer that there is may call the waker, or not
			s.pass(time.Minute)
			if *before > 0 {
				t.Fatalf("a timer has fired, time was left, and the next Poll, with another waker, started timer %d: when that one fired, it called the waker of an earlier Poll, and only the latest counts", s.starts)
			}
			s.checkPollFor(t, latest, "something was heard a minute ago", testPending)
		}
		s.pass(time.Hour)
		if *latest == 0 {
			t.Fatalf("the Timeout was polled with another waker each hour, and now that the time has passed the latest one wasn't called: only the latest counts; %d timers were started", s.starts)
		}
		s.checkPollFor(t, latest, "1h has passed", testLate)
	})
}

func TestPollThatPanics(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for before := range 3 {
			s := testBegin(time.Hour)
			for range before {
				s.checkPoll(t, "the value isn't there", testPending)
				s.pass(time.Minute)
			}
			s.fault = "no letter"
			func() {
				defer func() { _ = recover() }()
				s.poll()
			}()
			s.timeout.Close()
			s.timeout.Close()
			s.checkLeft(t, fmt.Sprintf("the future's Poll panicked, after %d that didn't, and then the executor closed the Timeout: the future", before), 1)
			s.extend()
			if s.pass(2 * time.Hour); s.testWakes > 0 {
				t.Fatalf("the future's Poll panicked, the Timeout was closed, and after that its waker was called")
			}
		}
	})
}

// Not all times are whole hours.
func TestOddTimes(t *testing.T) {
	random := check.Random(t)
	testTry(t, func(t testing.TB) {
		all := []time.Duration{1, 999, time.Microsecond, 1500 * time.Microsecond, time.Millisecond + 1, time.Hour - 1, time.Hour + 1}
		for range 100 {
			all = append(all, 1+time.Duration(random.Int64N(int64(time.Hour))))
		}
		for _, d := range all {
			s := testBegin(d)
			s.checkPoll(t, "the value isn't there", testPending)
			s.pass(d)
			if s.testWakes == 0 {
				t.Fatalf("a Timeout of %v (%dns): the time has passed, to the nanosecond, and the waker wasn't called; %d timers were started: is the number rounded?", d, d, s.starts)
			}
			s.checkPoll(t, fmt.Sprintf("a Timeout of %v, and the time has passed", d), testLate)

			s = testBegin(d)
			s.checkPoll(t, "the value isn't there", testPending)
			s.pass(d / 2)
			s.extend()
			s.pass(d - d/2)
			if d == 1 {
				continue // half of that is nothing
			}
			s.checkPoll(t, fmt.Sprintf("a Timeout of %v, and something was heard after %v", d, d/2), testPending)
			s.testWakes = 0
			s.pass(d / 2)
			if s.testWakes == 0 {
				t.Fatalf("a Timeout of %v, and something was heard after %v: the time has passed since then, to the nanosecond, and the waker wasn't called; %d timers were started: is the number rounded?", d, d/2, s.starts)
			}
		}
	})
}

// The executor hasn't come to its timers yet, and something was heard just now.
func TestClockIsAheadAndExtended(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.time += time.Hour
		s.extend()
		s.checkPoll(t, "1h has passed, the timer hasn't fired yet, and something was heard just now", testPending)
		if len(s.heap) != 1 {
			t.Fatalf("1h has passed, and the timer hasn't fired yet, because the executor hasn't come to it. Then something was heard, and Poll was called: now %s in the heap, want 1; is the first one forgotten in there?", s.left())
		}
		s.pass(0)
		s.checkPoll(t, "something was heard just now", testPending)
		if s.pass(time.Hour); s.testWakes == 0 {
			t.Fatalf("1h has passed since something was heard, and the waker wasn't called; %d timers were started", s.starts)
		}
		s.checkPoll(t, "1h has passed since something was heard", testLate)
		s.checkLeft(t, "the time has passed: the future, which wasn't ready,", 1)
	})
}

// What the future does in its Poll takes time, too.
func TestPollThatTakesLong(t *testing.T) {
	testTry(t, func(t testing.TB) {
		s := testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.pass(50 * time.Minute)
		s.during = func() { s.time += 10 * time.Minute }
		s.checkPoll(t, "50 minutes had passed since the first Poll, and the future's own Poll took the last ten of the hour: what time was it when you looked?", testLate)
		s.checkLeft(t, "the time has passed while the future was polled: the future, which wasn't ready,", 1)

		s = testBegin(time.Hour)
		s.checkPoll(t, "the value isn't there", testPending)
		s.pass(30 * time.Minute)
		s.extend()
		s.pass(30 * time.Minute)
		s.during = func() { s.time += 10 * time.Minute }
		s.checkPoll(t, "something was heard at 30m, and it's 1h10m", testPending)
		s.testWakes, s.during = 0, nil
		if s.pass(20 * time.Minute); s.testWakes == 0 {
			t.Fatalf("something was heard at 30m, at 1h the timer fired, and the future's Poll took ten minutes then. It's %v, 1h has passed since something was heard, and the waker wasn't called: what time was it when you computed what's left?", s.time)
		}
	})
}
