package main

import (
	"fmt"
	"testing"
	"time"
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
