package main

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed timers.go
var testSource string

const (
	testReturns = "every method must return at once, also if a Wake starts and stops timers; does Fire go on as long as there are new ones?"

	testStep = time.Millisecond
	testDay  = 24 * time.Hour
)

func testTry(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestTimerFiresOnce" {
		t.Skip("not tried: timers.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "timers.go", testSource)
		f(t)
	})
}

// testWakeFunc is a Waker that does something.
type testWakeFunc func()

func (f testWakeFunc) Wake() { f() }

// A testDiary keeps whose waker was called, in order.
type testDiary struct{ woken []string }

// start starts a timer with a name, which is told in the diary when it wakes.
func (d *testDiary) start(ts *Timers, name string, deadline time.Duration) *Timer {
	return ts.Start(deadline, testWakeFunc(func() { d.woken = append(d.woken, name) }))
}

// checkFire calls Fire, and wants these to be woken, in this order.
func (d *testDiary) checkFire(t testing.TB, ts *Timers, now time.Duration, what string, want ...string) {
	t.Helper()
	d.woken = nil
	ts.Fire(now)
	if !slices.Equal(d.woken, want) {
		t.Fatalf("%s: Fire(%v) called the wakers of %q, want %q", what, now, d.woken, want)
	}
}

func TestTimerFiresOnce(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		d.start(ts, "a", 10*testStep)
		const what = "a timer for 10ms"
		d.checkFire(t, ts, 0, what)
		d.checkFire(t, ts, 10*testStep-1, what)
		d.checkFire(t, ts, 10*testStep, what, "a")
		d.checkFire(t, ts, 10*testStep, what+", which has fired")
		d.checkFire(t, ts, testDay, what+", which has fired")
	})
}

func TestTimersFireInOrderOfTheirDeadlines(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		for _, n := range []int{30, 10, 50, 20, 60, 40} {
			d.start(ts, fmt.Sprint(n), time.Duration(n)*testStep)
		}
		const what = "timers for 30, 10, 50, 20, 60 and 40ms"
		d.checkFire(t, ts, 25*testStep, what, "10", "20")
		d.checkFire(t, ts, 55*testStep, what, "30", "40", "50")
		d.checkFire(t, ts, testDay, what, "60")
	})
}

func TestEqualDeadlinesFireInOrderOfStart(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			d.start(ts, name, 10*testStep)
		}
		d.checkFire(t, ts, 10*testStep, "seven timers for 10ms, a to g: the one that came first fires first", "a", "b", "c", "d", "e", "f", "g")
	})
}

// Between two equal deadlines, thousands of others come and go.
func TestEqualDeadlinesFarApart(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for _, others := range []int{126, 127, 254, 255, 256, 32_767, 65_534, 65_535, 65_536} {
			ts, d := new(Timers), new(testDiary)
			d.start(ts, "a", 10*testStep)
			for range others {
				ts.Stop(d.start(ts, "one of many", testDay))
			}
			d.start(ts, "b", 10*testStep)
			d.start(ts, "c", 10*testStep)
			d.checkFire(t, ts, 10*testStep, fmt.Sprintf("a, b and c are for the same moment, and between a and b %d others were started and stopped: does a number of yours come to its end?", others), "a", "b", "c")
		}
	})
}

// Deadlines that differ by a nanosecond, near and far away.
func TestDeadlinesThatAreNearlyEqual(t *testing.T) {
	testTry(t, func(t testing.TB) {
		for _, first := range []time.Duration{0, 1<<31 - 2, 1<<32 - 2, time.Hour, 1<<53 - 2, 1<<53 + 1, 100 * testDay, 10_000 * testDay, math.MaxInt64 - 6} {
			ts, d := new(Timers), new(testDiary)
			want := []string{"0", "1", "2", "3", "4", "5", "6"}
			for _, n := range []int{3, 6, 1, 5, 0, 2, 4} {
				d.start(ts, fmt.Sprint(n), first+time.Duration(n))
			}
			what := fmt.Sprintf("timers for 3, 6, 1, 5, 0, 2 and 4ns after %v: a nanosecond counts, however large the number is", first)
			d.checkFire(t, ts, first+2, what, want[:3]...)
			if got := ts.Wait(first + 2); got != 1 {
				t.Fatalf("%s. Three have fired, and a nanosecond is left until the next: Wait returned %d, want 1", what, got)
			}
			d.checkFire(t, ts, first+6, what, want[3:]...)
		}
	})
}

// They were due when they were started.
func TestDeadlinesThatHavePassed(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		d.checkFire(t, ts, 100*testStep, "there are no timers")
		for _, n := range []int{30, 110, 10, 100, 20, 90, 10} {
			d.start(ts, fmt.Sprint(n), time.Duration(n)*testStep)
		}
		const what = "after a Fire at 100ms, timers were started for 30, 110, 10, 100, 20, 90 and once more 10ms: the first deadline is the first, also among those that have passed"
		d.checkFire(t, ts, 105*testStep, what, "10", "10", "20", "30", "90", "100")
		d.checkFire(t, ts, 110*testStep, what, "110")
	})
}

// Each millisecond of the first seconds, and moments drawn from a whole day.
func TestWaitIsExact(t *testing.T) {
	random := check.Random(t)
	testTry(t, func(t testing.TB) {
		exact := func(left time.Duration) {
			ts, now := new(Timers), time.Duration(random.Int64N(int64(1000*testDay)))
			ts.Start(now+left, testWakeFunc(func() {}))
			want := int(left / testStep)
			if left%testStep > 0 {
				want++
			}
			if got := ts.Wait(now); got != want {
				t.Fatalf("a timer in %v (%dns): Wait returned %d, want %d, which is rounded up to whole milliseconds, and no more", left, left, got, want)
			}
		}
		for n := range time.Duration(5000) {
			exact(n * testStep)
			exact(n*testStep + 1)
			exact((n+1)*testStep - 1)
			exact(time.Duration(random.Int64N(int64(testDay))))
			exact(time.Duration(random.Int64N(86_400_000)) * testStep)
		}
	})
}

func TestWait(t *testing.T) {
	testTry(t, func(t testing.TB) {
		if got := new(Timers).Wait(testDay); got >= 0 {
			t.Errorf("without timers Wait returned %d, want less than 0: nothing will come by itself", got)
		}
		for _, test := range []struct {
			left time.Duration
			want int
			look string
		}{
			{10 * testStep, 10, "that is what is left"},
			{10*testStep - 400*time.Microsecond, 10, "in 9ms it has not come, and in 10ms it has"},
			{10*testStep + 1, 11, "in 10ms it has not come"},
			{1, 1, "0 does not sleep: the executor would turn in circles until the deadline"},
			{0, 0, "it has come"},
			{-5 * testStep, 0, "it has come, and less than 0 is forever"},
			{testDay, 86_400_000, "that is what is left"},
			{testDay + 1, 86_400_000, "a day is enough"},
			{60 * testDay, 86_400_000, "a day is enough, and an int32 of milliseconds has 24.8 of them"},
			{math.MaxInt64 - testDay, 86_400_000, "a day is enough; is there a sum that is too big?"},
		} {
			ts, now := new(Timers), testDay
			ts.Start(now+test.left, testWakeFunc(func() {}))
			if got := ts.Wait(now); got != test.want {
				t.Errorf("a timer in %v: Wait returned %d, want %d: %s", test.left, got, test.want, test.look)
			}
		}
		ts := new(Timers)
		ts.Start(math.MaxInt64, testWakeFunc(func() {}))
		if got, want := ts.Wait(0), 86_400_000; got != want {
			t.Errorf("a timer for the last moment that there is, in %v: Wait returned %d, want %d: a day is enough; is there a sum that is too big?", time.Duration(math.MaxInt64), got, want)
		}
	})
}

func TestWaitIsForTheFirst(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		d.start(ts, "second", 20*testStep)
		first := d.start(ts, "first", 10*testStep)
		d.start(ts, "third", 30*testStep)
		checkWait := func(when string, now time.Duration, want int) {
			t.Helper()
			if got := ts.Wait(now); max(got, -1) != want {
				t.Fatalf("timers for 10, 20 and 30ms, and %s: Wait returned %d, want %d", when, got, want)
			}
		}
		checkWait("it is 0ms", 0, 10)
		checkWait("it is 4ms", 4*testStep, 6)
		ts.Stop(first)
		checkWait("at 4ms the first is stopped", 4*testStep, 16)
		ts.Fire(20 * testStep)
		checkWait("at 20ms the second has fired", 20*testStep, 10)
		ts.Fire(30 * testStep)
		checkWait("at 30ms the third has fired, and any number below 0 will do", 30*testStep, -1)
	})
}

func TestStoppedTimerLeavesAtOnce(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var all []*Timer
		for i := range 100 {
			all = append(all, d.start(ts, fmt.Sprint(i), time.Duration(1+i*37%100)*time.Hour))
		}
		for i, timer := range all {
			ts.Stop(timer)
			if got, want := ts.Len(), 99-i; got != want {
				t.Fatalf("%d of 100 timers are stopped, and Len returned %d, want %d: a stopped timer leaves at once, however far away the deadline", i+1, got, want)
			}
		}
		d.checkFire(t, ts, 1000*time.Hour, "all timers are stopped")
	})
}

func TestStopOfOneThatIsGone(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		fired, stopped := d.start(ts, "fired", 10*testStep), d.start(ts, "stopped", 20*testStep)
		ts.Fire(10 * testStep)
		ts.Stop(stopped)
		d.start(ts, "a", 30*testStep)
		d.start(ts, "b", 40*testStep)
		for range 2 {
			ts.Stop(fired)
			ts.Stop(stopped)
		}
		d.checkFire(t, ts, testDay, "timers that have fired or were stopped before a and b were started are stopped again", "a", "b")
	})
}

func TestOrderAfterAStop(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var five *Timer
		for _, n := range []int{1, 4, 2, 5, 6, 7, 3} {
			timer := d.start(ts, fmt.Sprint(n), time.Duration(n)*testStep)
			if n == 5 {
				five = timer
			}
		}
		ts.Stop(five)
		d.checkFire(t, ts, 10*testStep, "timers for 1, 4, 2, 5, 6, 7 and 3ms, and the one for 5ms is stopped: the one that takes its place may have to go up as well as down", "1", "2", "3", "4", "6", "7")
	})
}

func TestWakeMayStopItsOwn(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var a *Timer
		a = ts.Start(10*testStep, testWakeFunc(func() { ts.Stop(a) }))
		d.start(ts, "b", 10*testStep)
		d.start(ts, "c", 30*testStep)
		const what = "timers a and b are due, c is not, and the task that a wakes stops a, which has fired just now"
		d.checkFire(t, ts, 20*testStep, what, "b")
		if got := ts.Len(); got != 1 {
			t.Fatalf("%s: Len returned %d, want 1: c is left, and stopping a timer that has fired does nothing", what, got)
		}
		ts.Stop(a)
		d.checkFire(t, ts, 30*testStep, what+". Now c is due", "c")
		if got := ts.Len(); got != 0 {
			t.Fatalf("%s, and then c has fired: Len returned %d, want 0", what, got)
		}
	})
}

func TestWakeMayStopAnother(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var b *Timer
		ts.Start(10*testStep, testWakeFunc(func() { ts.Stop(b) }))
		b = d.start(ts, "b", 20*testStep)
		d.start(ts, "c", 30*testStep)
		d.checkFire(t, ts, 50*testStep, "timers a, b and c are due, and the task that a wakes stops b", "c")
		if got := ts.Len(); got != 0 {
			t.Errorf("all have fired or were stopped, and Len returned %d, want 0", got)
		}
	})
}

func TestWakeMayStopAll(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var others []*Timer
		ts.Start(10*testStep, testWakeFunc(func() {
			for _, other := range others {
				ts.Stop(other)
			}
		}))
		for i := range 20 {
			others = append(others, d.start(ts, fmt.Sprint(i), 20*testStep))
		}
		d.checkFire(t, ts, 50*testStep, "21 timers are due, and the task that the first one wakes stops the other 20")
	})
}

func TestWakeMayStartAnother(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, woken := new(Timers), 0
		var again testWakeFunc
		again = func() {
			if woken++; woken > 100 {
				t.Fatalf("the task that's woken starts a timer for now, and 100 of these were woken by one Fire: it never ends, and nothing but timers is ever seen")
			}
			ts.Start(10*testStep, again)
		}
		ts.Start(10*testStep, again)
		for fires := 1; fires <= 3; fires++ {
			ts.Fire(10 * testStep)
			if woken != fires || ts.Len() != 1 || ts.Wait(10*testStep) != 0 {
				t.Fatalf("the task that's woken starts a timer for now, which is for the next Fire: after %d calls %d were woken, Len returned %d and Wait %d, want %d, 1 and 0", fires, woken, ts.Len(), ts.Wait(10*testStep), fires)
			}
		}
	})
}

func TestStartedForNowWhileAnotherIsDue(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		ts.Start(10*testStep, testWakeFunc(func() { d.start(ts, "new", 5*testStep) }))
		d.start(ts, "b", 20*testStep)
		d.start(ts, "c", 100*testStep)
		const what = "timers a and b are due, c is not, and the task that a wakes starts one for a moment that has passed"
		d.checkFire(t, ts, 50*testStep, what+": that one is for the next Fire, and b is for this one", "b")
		d.checkFire(t, ts, 50*testStep, what+": the next Fire", "new")
		d.checkFire(t, ts, 100*testStep, what+": the Fire after that", "c")
	})
}

func TestStartedAndStoppedInOneFire(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var started *Timer
		ts.Start(10*testStep, testWakeFunc(func() { started = d.start(ts, "new", 5*testStep) }))
		ts.Start(20*testStep, testWakeFunc(func() { ts.Stop(started) }))
		const what = "timers a and b are due, the task that a wakes starts one, and the task that b wakes stops it"
		d.checkFire(t, ts, 50*testStep, what)
		if got := ts.Len(); got != 0 {
			t.Errorf("%s: Len returned %d, want 0", what, got)
		}
		d.checkFire(t, ts, 50*testStep, what+": where was it when it was stopped? The next Fire")
	})
}

func TestManyAreDue(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		var all []string
		for i := range 1000 {
			d.start(ts, fmt.Sprint(i), time.Duration(i/10)*testStep)
			all = append(all, fmt.Sprint(i))
		}
		if ts.Fire(testDay); !slices.Equal(d.woken, all) || ts.Len() != 0 {
			t.Fatalf("1000 timers are due, ten at each moment: one Fire called the wakers of %d, and Len returned %d, want all of them, in order, and 0", len(d.woken), ts.Len())
		}
	})
}

// A testCount is one waker for several timers.
type testCount int

func (c *testCount) Wake() { *c++ }

// Whether two wakes are too many isn't known here: a waker may count them.
func TestSharedWaker(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, shared, other := new(Timers), new(testCount), new(testCount)
		ts.Start(10*testStep, shared)
		ts.Start(20*testStep, other)
		ts.Start(20*testStep, shared)
		ts.Start(20*testStep, shared)
		stopped := ts.Start(30*testStep, shared)
		ts.Stop(stopped)
		ts.Start(40*testStep, shared)
		ts.Fire(30 * testStep)
		if *shared != 3 || *other != 1 || ts.Len() != 1 {
			t.Fatalf("three timers that are due have the same waker, and a fourth has another: Fire called the first waker %d times and the other %d times, and Len returned %d, want 3, 1 and 1: once for each timer", *shared, *other, ts.Len())
		}
		if ts.Fire(40 * testStep); *shared != 4 {
			t.Fatalf("four timers with the same waker were due, in two Fires, and it was called %d times, want 4: once for each timer", *shared)
		}
	})
}

func TestStartWakesNothing(t *testing.T) {
	testTry(t, func(t testing.TB) {
		ts, d := new(Timers), new(testDiary)
		ts.Fire(testDay)
		d.start(ts, "a", 0)
		if len(d.woken) > 0 || ts.Len() != 1 || ts.Wait(testDay) != 0 {
			t.Fatalf("a timer is started whose deadline has passed: Start called %d wakers, Len returned %d and Wait %d, want 0, 1 and 0: it's for the next Fire", len(d.woken), ts.Len(), ts.Wait(testDay))
		}
		d.checkFire(t, ts, testDay, "a timer was started whose deadline had passed", "a")
	})
}

// A sorted list is the judge.
func TestManySteps(t *testing.T) {
	random := check.Random(t)
	testTry(t, func(t testing.TB) {
		type entry struct {
			deadline time.Duration
			name     string
		}
		ts, d := new(Timers), new(testDiary)
		var model []entry
		var now time.Duration
		var all []*Timer
		for step := range 5000 {
			switch random.IntN(5) {
			case 0, 1, 2:
				e := entry{max(0, now+time.Duration(random.IntN(200)-40)*testStep), fmt.Sprint(len(all))} // some have passed
				all = append(all, d.start(ts, e.name, e.deadline))
				model = append(model, e)
				slices.SortStableFunc(model, func(a, b entry) int { return int(a.deadline - b.deadline) })
			case 3:
				if len(all) > 0 {
					i := max(0, len(all)-100) + random.IntN(min(len(all), 100))
					ts.Stop(all[i])
					model = slices.DeleteFunc(model, func(e entry) bool { return e.name == fmt.Sprint(i) })
				}
			case 4:
				now += time.Duration(random.IntN(8)) * testStep
				var due []string
				for len(model) > 0 && model[0].deadline <= now {
					due, model = append(due, model[0].name), model[1:]
				}
				d.checkFire(t, ts, now, fmt.Sprintf("step %d of many starts, stops and fires", step), due...)
			}
			wait := -1
			if len(model) > 0 {
				wait = int(max(model[0].deadline-now, 0) / testStep)
			}
			if ts.Len() != len(model) || max(ts.Wait(now), -1) != wait {
				t.Fatalf("step %d of many starts, stops and fires: Len returned %d and Wait %d, want %d and %d", step, ts.Len(), ts.Wait(now), len(model), wait)
			}
		}
	})
}
