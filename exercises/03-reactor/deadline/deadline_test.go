package main

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed deadline.go
var testSource string

const (
	testReturns = "waitUntil must return when there are events, at its deadline, and at an error; does it wait again and again?"

	testDay = 24 * time.Hour
)

// In a testKernel time passes only while wait sleeps. What happens, and when,
// is in its script.
type testKernel struct {
	t      testing.TB
	began  time.Time
	at     time.Duration // now, since the beginning
	script []testHappening
	waits  []int32
	limit  int // of waits
}

// A testHappening ends a wait: n events, or an error.
type testHappening struct {
	at  time.Duration
	n   int
	err error
}

func testStart(t testing.TB, script ...testHappening) *testKernel {
	return &testKernel{t: t, began: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), script: script}
}

func (k *testKernel) now() time.Time { return k.began.Add(k.at) }

func (k *testKernel) wait(ms int32) (int, error) {
	if k.waits = append(k.waits, ms); len(k.waits) > k.limit {
		k.t.Helper()
		k.t.Fatalf("after %v waitUntil has called wait %d times, %s: a wait that ends too early is a turn around the loop, on a whole core", k.at, len(k.waits), k.asked())
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
		k.t.Helper()
		k.t.Fatalf("waitUntil has called wait(%d), which sleeps until there are events: there will be none, and so it sleeps forever (%s)", ms, k.asked())
	}
	k.at = until
	return 0, nil
}

// asked says what it was called with, the first few times.
func (k *testKernel) asked() string {
	if len(k.waits) > 6 {
		return fmt.Sprintf("the waits: %v and so on", k.waits[:6])
	}
	return fmt.Sprintf("the waits: %v", k.waits)
}

// prepare sets the limit: one wait for each signal, event and 24.8 days, and a few.
func (k *testKernel) prepare(deadline time.Time) {
	k.limit = len(k.script) + 3
	if !deadline.IsZero() {
		k.limit += int(max(deadline.Sub(k.began), 0) / (math.MaxInt32 * time.Millisecond))
	}
}

// checkWait calls waitUntil, with a deadline so long after the beginning, and
// wants it to return at that moment; if no event ends it, up to 1ms later.
func (k *testKernel) checkWait(what string, deadline time.Duration, n int, at time.Duration, look string) {
	k.t.Helper()
	k.check(what, k.began.Add(deadline), n, at, look)
}

func (k *testKernel) check(what string, deadline time.Time, n int, at time.Duration, look string) {
	k.t.Helper()
	k.prepare(deadline)
	got, err := waitUntil(k, deadline)
	if err != nil {
		k.t.Fatalf("%s: waitUntil gave the error %q (%s)", what, err, k.asked())
	}
	if left := deadline.Sub(k.now()); got == 0 && !deadline.IsZero() && left > 0 {
		k.t.Fatalf("%s: waitUntil gave 0 after %v, too early, without an event and %v before the deadline: %s (%s)", what, k.at, left, look, k.asked())
	}
	latest, when := at, fmt.Sprint(at)
	if n == 0 && at > 0 {
		latest, when = at+time.Millisecond, fmt.Sprintf("%v to %v", at, at+time.Millisecond)
	}
	if got != n || k.at < at || k.at > latest {
		k.t.Fatalf("%s: waitUntil gave %d after %v, want %d after %s: %s (%s)", what, got, k.at, n, when, look, k.asked())
	}
}

func TestEventBeforeTheDeadline(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "deadline.go", testSource)
		for range 20 {
			n, after := 1+random.IntN(64), time.Duration(random.IntN(50_000_000))
			k := testStart(t, testHappening{at: after, n: n})
			k.checkWait(fmt.Sprintf("a deadline after 50ms, and %d events after %v", n, after), 50*time.Millisecond, n, after, "events end the wait")
		}
		k := testStart(t, testHappening{at: 20 * time.Millisecond, n: 3})
		k.checkWait("a deadline after 50ms, and 3 events after 20ms", 50*time.Millisecond, 3, 20*time.Millisecond, "events end the wait")
	})
}

func TestDeadline(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t)
		k.checkWait("a deadline after 50ms, and no event", 50*time.Millisecond, 0, 50*time.Millisecond, "the deadline ends the wait, not before it has come")
	})
}

func TestSignalDoesNotChangeTheDeadline(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t)
		for at := 10 * time.Millisecond; at < 500*time.Millisecond; at += 10 * time.Millisecond {
			k.script = append(k.script, testHappening{at: at, err: unix.EINTR})
		}
		k.checkWait("a deadline after 50ms, no event, and a signal every 10ms", 50*time.Millisecond, 0, 50*time.Millisecond, "after a signal wait for what is left, neither less nor all of it again")
	})
}

func TestThousandsOfSignals(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testReturns, func(t testing.TB) {
		k, what := testStart(t), "a deadline after 5s, no event, and more than a hundred thousand signals"
		for at := time.Duration(0); at < 5*time.Second; at += time.Duration(random.IntN(80_000)) {
			k.script = append(k.script, testHappening{at: at, err: unix.EINTR})
		}
		signals := k.script
		k.checkWait(what, 5*time.Second, 0, 5*time.Second, "after a signal wait for what is left, however many there are")
		k = testStart(t)
		k.script = append(signals, testHappening{at: 5 * time.Second, n: 2})
		k.check("no deadline, more than a hundred thousand signals, and an event after 5s", time.Time{}, 2, 5*time.Second, "only the event ends the wait")
	})
}

func TestEventAfterASignal(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t, testHappening{at: 10 * time.Millisecond, err: unix.EINTR}, testHappening{at: 20 * time.Millisecond, n: 1})
		k.checkWait("a deadline after 50ms, a signal after 10ms, and an event after 20ms", 50*time.Millisecond, 1, 20*time.Millisecond, "a signal is not an event, and the wait goes on")
	})
}

// The clock goes on between a wait and the next look at it.
func TestSignalAtTheDeadline(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t, testHappening{at: 50 * time.Millisecond, err: unix.EINTR})
		k.checkWait("a deadline after 50ms, and a signal at that moment", 50*time.Millisecond, 0, 50*time.Millisecond, "nothing is left to wait for")
		k = testStart(t, testHappening{at: 50 * time.Millisecond, err: unix.EINTR})
		k.prepare(k.began.Add(50 * time.Millisecond))
		late := &testSlow{testKernel: k, by: 3 * time.Millisecond}
		if n, err := waitUntil(late, k.began.Add(50*time.Millisecond)); n != 0 || err != nil {
			t.Fatalf("a deadline after 50ms, and a signal that took until 53ms: waitUntil gave %d, %v, want 0, <nil>: nothing is left to wait for (%s)", n, err, k.asked())
		}
	})
}

// testSlow is a kernel where an interrupted wait takes longer than it should.
type testSlow struct {
	*testKernel
	by time.Duration
}

func (s *testSlow) wait(ms int32) (int, error) {
	n, err := s.testKernel.wait(ms)
	if err != nil {
		s.at += s.by
	}
	return n, err
}

func TestDeadlineThatHasPassed(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for _, deadline := range []time.Duration{0, -1, -50 * time.Millisecond, -90 * testDay} {
			k := testStart(t)
			k.checkWait(fmt.Sprintf("a deadline %v ago, and no event", -deadline), deadline, 0, 0, "it does not sleep")
			for _, long := range []time.Time{time.Unix(0, 0), time.Unix(-1e6, 0), time.Time{}.Add(1), time.Time{}.Add(-1), time.Time{}.AddDate(-300, 0, 0)} {
				k = testStart(t)
				k.check(fmt.Sprintf("a deadline in %v, and no event", long.UTC()), long, 0, 0, "it has passed; only the zero time never comes")
				k = testStart(t, testHappening{n: 2})
				k.check(fmt.Sprintf("a deadline in %v, and 2 events that are there already", long.UTC()), long, 2, 0, "it has passed, and what is there is told all the same: ask the kernel once")
			}
			k = testStart(t, testHappening{n: 2})
			k.checkWait(fmt.Sprintf("a deadline %v ago, and 2 events that are there already", -deadline), deadline, 2, 0, "it does not sleep, and what is there is told all the same: ask the kernel once")
		}
	})
}

func TestPartOfAMillisecond(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testReturns, func(t testing.TB) {
		for _, d := range []time.Duration{time.Duration(1 + random.IntN(100_000_000)), 1, 300 * time.Microsecond, time.Millisecond, 1500 * time.Microsecond, 2*time.Millisecond + 1} {
			k := testStart(t)
			k.checkWait(fmt.Sprintf("a deadline after %v, and no event", d), d, 0, d, "it is not over before the deadline, and not more than a millisecond after it")
			for _, part := range []time.Duration{1, 999_999, time.Duration(random.IntN(1_000_000))} {
				k = testStart(t)
				k.began = k.began.Add(part)
				k.checkWait(fmt.Sprintf("a deadline after %v, when the clock shows %v, and no event", d, k.began.Format("15:04:05.000000000")), d, 0, d, "the clock isn't at a whole millisecond either: round what's left, not what it's made of")
				k = testStart(t, testHappening{at: min(part, d), err: unix.EINTR})
				k.checkWait(fmt.Sprintf("a deadline after %v, a signal after %v, and no event", d, min(part, d)), d, 0, d, "a wait may begin at any nanosecond: round what's left, not what it's made of")
			}
		}
	})
}

// A wait has whole milliseconds, so it may be over a little after the deadline.
func TestEventsInTheLastMillisecond(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t, testHappening{at: 1800 * time.Microsecond, n: 3})
		k.checkWait("a deadline after 1.5ms, and 3 events after 1.8ms, while the wait for the last part of a millisecond is under way", 1500*time.Microsecond, 3, 1800*time.Microsecond, "what wait has reported is told, also after the deadline: nobody reports it again")
	})
}

func TestNoDeadline(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t, testHappening{at: 1000 * testDay, err: unix.EINTR}, testHappening{at: 2000 * testDay, n: 1})
		k.check("no deadline, a signal after 1000 days, and an event after 2000", time.Time{}, 1, 2000*testDay, "without a deadline only events end the wait")
		elsewhere := testStart(t, testHappening{at: testDay, n: 1})
		elsewhere.check("no deadline, but the zero time of another time zone, and an event after a day", time.Time{}.In(time.FixedZone("UTC+2", 7200)), 1, testDay, "IsZero says whether a time is zero, and == compares time zones, too")
		if slices.ContainsFunc(k.waits, func(ms int32) bool { return ms >= 0 }) {
			t.Errorf("no deadline, and the waits were %v ms, want less than 0: nothing has to happen in between", k.waits)
		}
	})
}

func TestDeadlineThatIsFarAway(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for _, days := range []time.Duration{25, 50, 60, 90} {
			k := testStart(t)
			k.checkWait(fmt.Sprintf("a deadline after %d days, and no event", days), days*testDay, 0, days*testDay, "an int32 of milliseconds is at most 24.8 days; what is left after them is waited for as well")
		}
		k := testStart(t, testHappening{at: 20 * time.Millisecond, n: 1})
		k.check("a deadline after 400 years, and an event after 20ms", k.began.AddDate(400, 0, 0), 1, 20*time.Millisecond, "events end the wait")
		if slices.ContainsFunc(k.waits, func(ms int32) bool { return ms < 0 }) {
			t.Errorf("a deadline after 400 years, and the waits were %v ms: less than 0 is forever; Sub gives the largest Duration for more than 292 years, and what comes of that if something is added to it?", k.waits)
		}
	})
}

func TestErrorOfTheWait(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		k := testStart(t, testHappening{at: 10 * time.Millisecond, err: unix.EBADF})
		k.prepare(k.began.Add(50 * time.Millisecond))
		if n, err := waitUntil(k, k.began.Add(50*time.Millisecond)); n != 0 || err != unix.EBADF {
			t.Fatalf("the wait failed with EBADF, and waitUntil gave %d, %v, want 0 and that error", n, err)
		}
		for code := unix.Errno(1); code < 134; code++ {
			if code == unix.EINTR || unix.ErrnoName(code) == "" {
				continue
			}
			for signals := range 3 {
				for _, left := range []time.Duration{50 * time.Millisecond, 0, -testDay} {
					k := testStart(t)
					for range signals {
						k.script = append(k.script, testHappening{at: 0, err: unix.EINTR})
					}
					if left <= 0 {
						k.script = nil // a signal may be the end
					}
					deadline := k.began.Add(left)
					k.script = append(k.script, testHappening{at: 0, err: code})
					k.prepare(deadline)
					if n, err := waitUntil(k, deadline); n != 0 || err != code {
						t.Fatalf("a deadline %v after the beginning, and after %d times EINTR the wait failed with %s: waitUntil gave %d, %v, want 0 and that error: only EINTR isn't one", left, len(k.waits)-1, unix.ErrnoName(code), n, err)
					}
				}
			}
		}
	})
}
