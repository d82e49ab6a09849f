package main

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const (
	returns = "waitUntil must return when there are events, at its deadline, and at an error; does it wait again and again?"

	ms  = time.Millisecond
	day = 24 * time.Hour
)

// A kernel in which time passes only while somebody waits. What happens, and
// when, is in its script.
type kernel struct {
	t      testing.TB
	began  time.Time
	at     time.Duration // now, since the beginning
	script []happening
	waits  []int32
}

// A happening ends a wait: n events, or an error.
type happening struct {
	at  time.Duration
	n   int
	err error
}

func start(t testing.TB, script ...happening) *kernel {
	return &kernel{t: t, began: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), script: script}
}

func (k *kernel) now() time.Time { return k.began.Add(k.at) }

func (k *kernel) wait(ms int32) (int, error) {
	k.t.Helper()
	if k.waits = append(k.waits, ms); len(k.waits) > 100 {
		k.t.Fatalf("after %v waitUntil has called wait 100 times, %s: a wait that ends too early is a turn around the loop, on a whole core", k.at, k.asked())
	}
	until := k.at + time.Duration(ms)*time.Millisecond
	if ms < 0 {
		until = math.MaxInt64
	}
	if len(k.script) > 0 && k.script[0].at <= until {
		next := k.script[0]
		k.at, k.script = max(k.at, next.at), k.script[1:]
		if next.err != nil {
			return -1, next.err
		}
		return next.n, nil
	}
	if ms < 0 {
		k.t.Fatalf("waitUntil has called wait(%d), which sleeps until there are events: there will be none, and so it sleeps for ever (%s)", ms, k.asked())
	}
	k.at = until
	return 0, nil
}

// asked says what it was called with, the first few times.
func (k *kernel) asked() string {
	if len(k.waits) > 6 {
		return fmt.Sprintf("the waits: %v and so on", k.waits[:6])
	}
	return fmt.Sprintf("the waits: %v", k.waits)
}

// checkWait calls waitUntil, with a deadline so long after the beginning, and
// wants it to return at that moment; if no event ends it, up to 1ms later.
func (k *kernel) checkWait(what string, deadline time.Duration, n int, at time.Duration, look string) {
	k.t.Helper()
	k.check(what, k.began.Add(deadline), n, at, look)
}

func (k *kernel) check(what string, deadline time.Time, n int, at time.Duration, look string) {
	k.t.Helper()
	got, err := waitUntil(k, deadline)
	if err != nil {
		k.t.Fatalf("%s: waitUntil gave the error %q (%s)", what, err, k.asked())
	}
	latest, when := at, fmt.Sprint(at)
	if n == 0 && at > 0 {
		latest, when = at+ms, fmt.Sprintf("%v to %v", at, at+ms)
	}
	if got != n || k.at < at || k.at > latest {
		k.t.Fatalf("%s: waitUntil gave %d after %v, want %d after %s: %s (%s)", what, got, k.at, n, when, look, k.asked())
	}
}

func TestEventBeforeTheDeadline(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t, happening{at: 20 * ms, n: 3})
		k.checkWait("a deadline after 50ms, and 3 events after 20ms", 50*ms, 3, 20*ms, "events end the wait")
	})
}

func TestDeadline(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t)
		k.checkWait("a deadline after 50ms, and no event", 50*ms, 0, 50*ms, "the deadline ends the wait, not before it has come")
	})
}

func TestSignalDoesNotChangeTheDeadline(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t)
		for at := 10 * ms; at < 500*ms; at += 10 * ms {
			k.script = append(k.script, happening{at: at, err: unix.EINTR})
		}
		k.checkWait("a deadline after 50ms, no event, and a signal every 10ms", 50*ms, 0, 50*ms, "after a signal wait for what is left, neither less nor all of it again")
	})
}

func TestEventAfterASignal(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t, happening{at: 10 * ms, err: unix.EINTR}, happening{at: 20 * ms, n: 1})
		k.checkWait("a deadline after 50ms, a signal after 10ms, and an event after 20ms", 50*ms, 1, 20*ms, "a signal is not an event, and the wait goes on")
	})
}

// The clock goes on between a wait and the next look at it.
func TestSignalAtTheDeadline(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t, happening{at: 50 * ms, err: unix.EINTR})
		k.checkWait("a deadline after 50ms, and a signal at that moment", 50*ms, 0, 50*ms, "nothing is left to wait for")
		k = start(t, happening{at: 50 * ms, err: unix.EINTR})
		late := &slow{kernel: k, by: 3 * ms}
		if n, err := waitUntil(late, k.began.Add(50*ms)); n != 0 || err != nil {
			t.Fatalf("a deadline after 50ms, and a signal that took until 53ms: waitUntil gave %d, %v, want 0, <nil>: nothing is left to wait for (%s)", n, err, k.asked())
		}
	})
}

// slow is a kernel where an interrupted wait takes longer than it should.
type slow struct {
	*kernel
	by time.Duration
}

func (s *slow) wait(ms int32) (int, error) {
	n, err := s.kernel.wait(ms)
	if err != nil {
		s.at += s.by
	}
	return n, err
}

func TestDeadlineThatHasPassed(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		for _, deadline := range []time.Duration{0, -1, -50 * ms, -90 * day} {
			k := start(t)
			k.checkWait(fmt.Sprintf("a deadline %v ago, and no event", -deadline), deadline, 0, 0, "it does not sleep")
			k = start(t, happening{n: 2})
			k.checkWait(fmt.Sprintf("a deadline %v ago, and 2 events that are there already", -deadline), deadline, 2, 0, "it does not sleep, and what is there is told all the same: ask the kernel once")
		}
	})
}

func TestPartOfAMillisecond(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		for _, d := range []time.Duration{1, 300 * time.Microsecond, ms, 1500 * time.Microsecond, 2*ms + 1} {
			k := start(t)
			k.checkWait(fmt.Sprintf("a deadline after %v, and no event", d), d, 0, d, "it is not over before the deadline, and not more than a millisecond after it")
		}
	})
}

func TestNoDeadline(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t, happening{at: 1000 * day, err: unix.EINTR}, happening{at: 2000 * day, n: 1})
		k.check("no deadline, a signal after 1000 days, and an event after 2000", time.Time{}, 1, 2000*day, "without a deadline only events end the wait")
		if slices.ContainsFunc(k.waits, func(ms int32) bool { return ms >= 0 }) {
			t.Errorf("no deadline, and the waits were %v ms, want less than 0: nobody has to get up in between", k.waits)
		}
	})
}

func TestDeadlineThatIsFarAway(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		for _, days := range []time.Duration{25, 50, 60, 90} {
			k := start(t)
			k.checkWait(fmt.Sprintf("a deadline after %d days, and no event", days), days*day, 0, days*day, "an int32 of milliseconds is at most 24.8 days; what is left after them is waited for as well")
		}
	})
}

func TestErrorOfTheWait(t *testing.T) {
	check.Within(t, 2*time.Second, returns, func(t testing.TB) {
		k := start(t, happening{at: 10 * ms, err: unix.EBADF})
		if n, err := waitUntil(k, k.began.Add(50*ms)); n != 0 || err != unix.EBADF {
			t.Errorf("the wait failed with EBADF, and waitUntil gave %d, %v, want 0 and that error", n, err)
		}
	})
}
