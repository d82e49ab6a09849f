package main

import (
	_ "embed"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed ticks.go
var testSource string

const (
	testAtOnce = "Tick must answer at once, however many ticks have come; does it take a turn for each of them?"

	testStep = time.Millisecond
	testYear = 365 * 24 * time.Hour
)

func testTry(t *testing.T, f func(t testing.TB, r *rand.Rand)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestTickThatIsLate" {
		t.Skip("not tried: ticks.go is not started")
	}
	r := check.Random(t)
	check.Instant(t, testAtOnce, func(t testing.TB) {
		check.Started(t, "ticks.go", testSource)
		f(t, r)
	})
}

// testTick asks a ticker with ticks each period, from due on.
func testTick(t testing.TB, due, period, now time.Duration, come int64, next time.Duration, look string) {
	t.Helper()
	ticker := &Ticker{Due: due, Period: period}
	if got := ticker.Tick(now); got != come || ticker.Due != next || ticker.Period != period {
		t.Errorf("the next tick is at %v, and then one comes each %v: Tick(%v) returned %d and has set Due to %v (Period %v), want %d and %v: %s", due, period, now, got, ticker.Due, ticker.Period, come, next, look)
	}
}

func TestTickThatIsLate(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		testTick(t, 10*testStep, 10*testStep, 13*testStep, 1, 20*testStep, "the tick at 10ms has come, and hearing of it late doesn't move the one at 20ms")
		due, period := time.Duration(r.IntN(1000))*testStep, time.Duration(1+r.IntN(1000))*testStep
		testTick(t, due, period, due+period-1, 1, due+period, "one has come, and the next is 1ns away")
	})
}

func TestTickAtItsMoment(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		testTick(t, 10*testStep, 10*testStep, 10*testStep, 1, 20*testStep, "a tick that comes now has come; Due is always later than now, or the executor doesn't sleep")
		testTick(t, 10*testStep, 10*testStep, 50*testStep, 5, 60*testStep, "10, 20, 30, 40 and 50ms have come")
		testTick(t, 0, 10*testStep, 0, 1, 10*testStep, "a tick at the start has come at the start")
	})
}

func TestLateTicksDoNotDrift(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		ticker := &Ticker{Due: time.Second, Period: time.Second}
		for range 1000 {
			ticker.Tick(ticker.Due + 3*testStep)
		}
		if want := 1001 * time.Second; ticker.Due != want {
			t.Errorf("a tick each second, reported 1000 times, each time 3ms late: the next one is at %v, want %v: each delay is added to the next moment", ticker.Due, want)
		}
	})
}

func TestMissedTicksAreReportedAtOnce(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		testTick(t, 10*testStep, 10*testStep, 47*testStep, 4, 50*testStep, "10, 20, 30 and 40ms have come, which is news once, and not four times one after the other")
	})
}

func TestTickThatHasNotCome(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		const look = "none has come, and asking too early changes nothing"
		testTick(t, 10*testStep, 10*testStep, 3*testStep, 0, 10*testStep, look)
		testTick(t, 10*testStep, 10*testStep, 10*testStep-1, 0, 10*testStep, look)
		testTick(t, time.Hour, 10*testStep, 0, 0, time.Hour, look)
		testTick(t, testYear, testStep, testYear-testStep, 0, testYear, look)
	})
}

func TestManyMissedTicks(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		testTick(t, 1, 1, testYear, int64(testYear), testYear+1, "the lid of the computer was shut for a year")
		testTick(t, testYear, 1, 200*testYear, int64(199*testYear)+1, 200*testYear+1, "that's more than a float64 can count exactly, or an int32 at all")
		for _, period := range []time.Duration{7, time.Microsecond, testStep, time.Second, time.Hour, testYear, 1 + time.Duration(r.Int64N(int64(testYear)))} {
			due, come := time.Duration(r.Int64N(int64(time.Minute))), int64(200*testYear/period)
			next := due + time.Duration(come)*period
			testTick(t, due, period, next-1, come, next, "the next tick is 1ns away, and that's less than a float64 can tell from nothing after 200 years")
		}
	})
}

// At whatever moments one asks, each tick is reported once.
func TestEachTickIsReportedOnce(t *testing.T) {
	testTry(t, func(t testing.TB, r *rand.Rand) {
		due, period := time.Duration(r.IntN(20)), time.Duration(1+r.IntN(10))
		ticker, reported, now := &Ticker{Due: due, Period: period}, int64(0), time.Duration(0)
		for i := range 500 {
			now += time.Duration(r.IntN(23))
			reported += ticker.Tick(now)
			come := int64(0)
			for tick := due; tick <= now; tick += period {
				come++
			}
			if next := due + time.Duration(come)*period; reported != come || ticker.Due != next {
				t.Fatalf("a tick at %v and then each %v: after %d calls, at %v, Tick has reported %d, and Due is %v, want %d and %v", due, period, i+1, now, reported, ticker.Due, come, next)
			}
		}
	})
}
