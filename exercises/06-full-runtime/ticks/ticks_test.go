package main

import (
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const (
	testAtOnce = "Tick must answer at once, however many ticks have come; does it take a turn for each of them?"

	testStep = time.Millisecond
	testYear = 365 * 24 * time.Hour
)

// testTick asks a ticker with ticks each period, from due on.
func testTick(t testing.TB, due, period, now time.Duration, come int64, next time.Duration, look string) {
	t.Helper()
	ticker := &Ticker{Due: due, Period: period}
	if got := ticker.Tick(now); got != come || ticker.Due != next {
		t.Errorf("the next tick is at %v, and then one comes each %v: Tick(%v) gave %d and has set Due to %v, want %d and %v: %s", due, period, now, got, ticker.Due, come, next, look)
	}
}

func TestTickThatIsLate(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		ticker := &Ticker{Due: 10 * testStep, Period: 10 * testStep}
		if ticker.Tick(13*testStep) == 0 && ticker.Tick(testYear) == 0 {
			t.Fatal("ticks.go is not started: the next tick is at 10ms, and in a year Tick has told of none")
		}
		testTick(t, 10*testStep, 10*testStep, 13*testStep, 1, 20*testStep, "the tick at 10ms has come, and being told of it late does not move the one at 20ms")
	})
}

func TestTickAtItsMoment(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		testTick(t, 10*testStep, 10*testStep, 10*testStep, 1, 20*testStep, "a tick that comes now has come; Due is always later than now, or the executor does not sleep")
		testTick(t, 10*testStep, 10*testStep, 50*testStep, 5, 60*testStep, "10, 20, 30, 40 and 50ms have come")
	})
}

func TestLateTicksDoNotDrift(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		ticker := &Ticker{Due: time.Second, Period: time.Second}
		for range 1000 {
			ticker.Tick(ticker.Due + 3*testStep)
		}
		if want := 1001 * time.Second; ticker.Due != want {
			t.Errorf("a tick each second, told 1000 times, each time 3ms late: the next one is at %v, want %v: each delay is added to the next moment", ticker.Due, want)
		}
	})
}

func TestMissedTicksAreToldAtOnce(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		testTick(t, 10*testStep, 10*testStep, 47*testStep, 4, 50*testStep, "10, 20, 30 and 40ms have come, which is news once, and not four times one after the other")
	})
}

func TestTickThatHasNotCome(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		const look = "none has come, and asking too early changes nothing"
		testTick(t, 10*testStep, 10*testStep, 3*testStep, 0, 10*testStep, look)
		testTick(t, 10*testStep, 10*testStep, 10*testStep-1, 0, 10*testStep, look)
		testTick(t, time.Hour, 10*testStep, 0, 0, time.Hour, look)
	})
}

func TestManyMissedTicks(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		testTick(t, 1, 1, testYear, int64(testYear), testYear+1, "the lid of the computer was shut")
	})
}

// At whatever moments one asks, each tick is told once.
func TestEachTickIsToldOnce(t *testing.T) {
	check.Within(t, 2*time.Second, testAtOnce, func(t testing.TB) {
		ticker, told, now := &Ticker{Due: 5, Period: 7}, int64(0), time.Duration(0)
		for i := range 1000 {
			now += time.Duration(i * i % 23)
			told += ticker.Tick(now)
			come := int64(0)
			for tick := time.Duration(5); tick <= now; tick += 7 {
				come++
			}
			if due := time.Duration(5 + 7*come); told != come || ticker.Due != due {
				t.Fatalf("a tick at 5ns and then each 7ns: after %d calls, at %v, Tick has told of %d, and Due is %v, want %d and %v", i+1, now, told, ticker.Due, come, due)
			}
		}
	})
}
