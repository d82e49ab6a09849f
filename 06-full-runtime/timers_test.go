package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Property 34.
func TestSleepEndsAtItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start, polls := time.Now(), 0
		blockOn(t, rt, Counted(Sleep(time.Hour), &polls))
		if got := time.Since(start); got != time.Hour || polls != 2 {
			t.Errorf("a Sleep of 1h took %v and %d polls, want 2: to start, and at its time", got, polls)
		}
	})
}

// Property 34, by the kernel's clock.
func TestSleepNeverEndsEarly(t *testing.T) {
	rt := openRuntime(t)
	for d := time.Nanosecond; d < 5*time.Millisecond; d += 271 * time.Microsecond {
		start := time.Now()
		blockOn(t, rt, Sleep(d))
		if got := time.Since(start); got < d {
			t.Errorf("a Sleep of %v took %v", d, got)
		}
	}
}

// Property 34.
func TestSleepOfNoTimeIsReadyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for _, d := range []time.Duration{0, -1, math.MinInt64} {
			polls := 0
			if blockOn(t, rt, Counted(Sleep(d), &polls)); polls != 1 {
				t.Errorf("a Sleep of %v is ready at poll %d, want the first one", d, polls)
			}
		}
	})
}

// Property 34: its deadline doesn't fit into a time.Duration.
func TestLongestSleepDoesNotEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		time.Sleep(time.Hour)
		h := SpawnRemote(rt, Sleep(math.MaxInt64))
		blockOn(t, rt, Sleep(24*365*time.Hour))
		if h.task.state == ended {
			t.Error("it was over within a year")
		}
	})
}

// Property 34: nor does it fit into the kernel's timeout.
func TestLongestSleepDoesNotBreakTheWait(t *testing.T) {
	rt, parks := openRuntime(t), 0
	rt.Trace.Park = func() { parks++ }
	SpawnRemote(rt, Sleep(math.MaxInt64))
	polls := 0
	blockOn(t, rt, until(func(cx *Context) bool {
		if polls++; polls == 1 {
			time.AfterFunc(20*time.Millisecond, cx.Waker().Wake)
		}
		return polls == 2
	}))
	if parks > 2 {
		t.Errorf("the runtime parked %d times before it was woken, want once", parks)
	}
}

// Property 1.
func TestSleepStartsAtItsFirstPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := Sleep(time.Hour)
		time.Sleep(time.Hour)
		start := time.Now()
		blockOn(t, rt, s)
		if got := time.Since(start); got != time.Hour {
			t.Errorf("it took %v from the first poll, want 1h", got)
		}
	})
}

// Property 4.
func TestSleepPolledTooEarlyKeepsItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, start := Sleep(time.Hour), time.Now()
		blockOn(t, rt, Race(s, until(func(cx *Context) bool {
			time.AfterFunc(time.Minute, cx.Waker().Wake)
			return false
		})))
		synctest.Wait()
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h, polled every minute, took %v", got)
		}
	})
}

// Property 22: one task may poll a future first, and another one later.
func TestSleepThatMovesWakesItsNewOwner(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s, old := Sleep(time.Hour), taskContext(rt)
		s.Poll(old)
		blockOn(t, rt, s)
		if n := wakesOf(old); n != 0 {
			t.Errorf("its former owner was woken %d times", n)
		}
	})
}

// Property 3.
func TestFinishedSleepPanicsWhenPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		s := Sleep(time.Second)
		blockOn(t, rt, s)
		wantPanic(t, "Sleep polled after it finished", func() { s.Poll(taskContext(rt)) })
	})
}

// Property 34.
func TestEqualDeadlinesFireInOrderOfCreation(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var got, want []int
		for i := range 100 {
			want = append(want, i)
			SpawnRemote(rt, Async(func(co *Co) struct{} {
				Await(co, Sleep(time.Second))
				got = append(got, i)
				return struct{}{}
			}))
		}
		blockOn(t, rt, Sleep(time.Minute))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-created +fired):\n%s", diff)
		}
	})
}

// addTimer starts a timer that calls f.
func addTimer(rt *Runtime, d time.Duration, f func()) *timer {
	t := new(timer)
	rt.timers.add(t, rt.timers.after(d), wakeFunc(f))
	return t
}

// If many are due, the rest fires later, and the run queue stays short.
func TestTimersThatAreDueFireInBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var fired []int
		for i := range 5 {
			addTimer(rt, time.Second, func() { fired = append(fired, i) })
		}
		time.Sleep(time.Second)
		var batches [][]int
		for rt.timers.untilNext() == 0 {
			rt.timers.fire(new(Trace), 2)
			batches, fired = append(batches, fired), nil
		}
		if diff := cmp.Diff([][]int{{0, 1}, {2, 3}, {4}}, batches); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The executor fires no more timers at once than it polls tasks.
func TestExecutorFiresTimersInBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		fired, most := 0, 0
		for range 10 * eventInterval {
			addTimer(rt, time.Second, func() { fired++ })
		}
		before := 0
		rt.Trace.Poll = func(*Task) { most, before = max(most, fired-before), fired }
		h := SpawnRemote(rt, until(func(cx *Context) bool { wakeLocal(cx.waker); return fired == 10*eventInterval }))
		time.Sleep(time.Second)
		blockOn(t, rt, h)
		if most > eventInterval {
			t.Errorf("%d timers fired between two polls, want at most %d", most, eventInterval)
		}
	})
}

// Property 34: however far away its deadline is. And it keeps nothing alive.
func TestClosedSleepLeavesTheHeapAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var sleeps []Future[struct{}]
		for i := range 100 {
			s := Sleep(time.Duration(1+i*37%100) * time.Hour)
			s.Poll(taskContext(rt))
			sleeps = append(sleeps, s)
		}
		for i, s := range sleeps {
			Close(s)
			Close(s)
			if got, want := rt.Report().Timers, len(sleeps)-i-1; got != want {
				t.Fatalf("%d timers after %d of %d were closed, want %d", got, i+1, len(sleeps), want)
			}
			if s.(*sleep).timer.waker != nil {
				t.Fatal("a closed Sleep keeps its waker")
			}
		}
		for _, left := range rt.timers.heap[:cap(rt.timers.heap)] {
			if left.timer != nil {
				t.Fatal("the empty heap keeps a timer")
			}
		}
	})
}

// A timer that fires may close another one that is due at the same moment.
func TestSleepMayBeClosedByAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, b := Sleep(time.Hour), Sleep(time.Hour)
		cx := taskContext(rt)
		cx.waker = wakeFunc(func() { Close(b) })
		a.Poll(cx)
		late := taskContext(rt)
		b.Poll(late)
		blockOn(t, rt, Sleep(2*time.Hour))
		if wakesOf(late) != 0 {
			t.Error("the first closed the second, which fired all the same")
		}
	})
}

func TestSleepMayBeClosedBeforeItsFirstPoll(t *testing.T) {
	if err := Close(Sleep(time.Hour)); err != nil {
		t.Error(err)
	}
}

func TestTraceTellsOfEveryTimer(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		fired := 0
		rt.Trace.Timer = func() { fired++ }
		blockOn(t, rt, JoinAll(Sleep(1), Sleep(2), Sleep(2)))
		if fired != 3 {
			t.Errorf("told of %d timers, want 3", fired)
		}
	})
}

// judgedTimers are timers and their judge: a list of those that haven't fired,
// sorted anew whenever one is added. A timer may end another one when it fires.
type judgedTimers struct {
	timers
	all       []*timer // by name
	victims   map[int]int
	list      []judged
	got, want []int // names of those that have fired
}

type judged struct {
	deadline time.Duration // since the start
	name     int
}

func (j *judgedTimers) add(name int, d time.Duration) {
	j.timers.add(j.all[name], j.after(d), wakeFunc(func() {
		j.got = append(j.got, name)
		if victim, ok := j.victims[name]; ok {
			j.timers.remove(j.all[victim])
		}
	}))
	deadline := time.Since(j.start)
	deadline += min(d, math.MaxInt64-deadline)
	j.list = append(j.list, judged{deadline, name})
	sort.SliceStable(j.list, func(a, b int) bool { return j.list[a].deadline < j.list[b].deadline })
}

func (j *judgedTimers) remove(name int) {
	j.timers.remove(j.all[name])
	j.strike(name)
}

// strike removes a timer from the list.
func (j *judgedTimers) strike(name int) {
	j.list = slices.DeleteFunc(j.list, func(p judged) bool { return p.name == name })
}

func (j *judgedTimers) fire() {
	const most = 3
	j.timers.fire(new(Trace), most)
	for n := 0; n < most && len(j.list) > 0 && j.list[0].deadline <= time.Since(j.start); n++ {
		name := j.list[0].name
		j.want = append(j.want, name)
		j.strike(name)
		if victim, ok := j.victims[name]; ok {
			j.strike(victim)
		}
	}
}

// step does what a letter says. Only some of its bits count, so every letter
// says something.
//
//	a  adds a timer of n nanoseconds; A, S and T mean about so many milliseconds
//	n  adds a timer that never fires in our lifetimes
//	s  stops one of the timers and starts it anew, with n nanoseconds
//	r  removes one that may have fired or been removed already
//	e  lets one end the next one when it fires
//	t  lets n nanoseconds pass, and up to three of them fire
func (j *judgedTimers) step(letter byte, n int) {
	d := time.Duration(n)
	if letter&('a'-'A') == 0 {
		d <<= 20
	}
	switch letter & 7 {
	case 'n' & 7:
		d = math.MaxInt64 - d
		fallthrough
	case 'a' & 7:
		j.all = append(j.all, new(timer))
		j.add(len(j.all)-1, d)
	case 't' & 7:
		time.Sleep(d)
		j.fire()
	default:
		if len(j.all) > 0 {
			j.change(letter, n%len(j.all), d)
		}
	}
}

func (j *judgedTimers) change(letter byte, name int, d time.Duration) {
	switch letter & 7 {
	case 's' & 7:
		j.remove(name)
		j.add(name, d)
	case 'r' & 7:
		j.remove(name)
	case 'e' & 7:
		j.victims[name] = (name + 1) % len(j.all)
	}
}

// Property 34.
func FuzzTimers(f *testing.F) {
	f.Fuzz(func(t *testing.T, steps []byte) {
		mustEnd(t)
		synctest.Test(t, func(t *testing.T) {
			j := &judgedTimers{timers: timers{start: time.Now()}, victims: make(map[int]int)}
			for ; len(steps) >= 2; steps = steps[2:] {
				j.step(steps[0], int(steps[1]))
				next := time.Duration(-1)
				if len(j.list) > 0 {
					next = max(j.list[0].deadline-time.Since(j.start), 0)
				}
				if len(j.heap) != len(j.list) || j.untilNext() != next || !slices.Equal(j.got, j.want) {
					t.Fatalf("%d timers, the next in %v, fired have %v; want %v, the next in %v, fired have %v",
						len(j.heap), j.untilNext(), j.got, j.list, next, j.want)
				}
			}
		})
	})
}

// Property 37.
func TestRaceOfTwoReadyFuturesIsFair(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		const rounds = 10_000
		cx, wins := taskContext(rt), 0
		for range rounds {
			if either, _ := Race(ready(1), ready(2)).Poll(cx); either.First {
				wins++
			}
		}
		if wins < rounds*45/100 || wins > rounds*55/100 {
			t.Errorf("the first one won %d of %d rounds, want half of them", wins, rounds)
		}
	})
}

// Property 3.
func TestFinishedRaceIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		r, cx := Race(ready(1), ready(2)), taskContext(rt)
		r.Poll(cx)
		wantPanic(t, "Race polled after it finished", func() { r.Poll(cx) })
	})
}

// Property 36.
func TestTimeoutYieldsTheValueInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		got := blockOn(t, rt, Timeout(Sleep(time.Hour), time.Hour+1))
		if got.Err != nil || rt.Report().Timers != 0 {
			t.Errorf("got %v, and %d timers are left", got.Err, rt.Report().Timers)
		}
	})
}

// Property 36.
func TestTimeoutClosesItsFuture(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		n, start := new(never), time.Now()
		f := Timeout(n, time.Hour)
		got, closes := blockOn(t, rt, f), n.closes
		Close(f)
		if got.Err != ErrTimeout || closes != 1 || n.closes != 1 || time.Since(start) != time.Hour {
			t.Errorf("%v after %v, closed %d times, want %v after 1h, once", got.Err, time.Since(start), n.closes, ErrTimeout)
		}
	})
}

func TestValueOfTheLastMomentIsNotThrownAway(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		for range 100 {
			if got := blockOn(t, rt, Timeout(Sleep(time.Second), time.Second)); got.Err != nil {
				t.Fatal(got.Err)
			}
		}
	})
}

// Property 3.
func TestFinishedTimeoutIsNotPolled(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		r, cx := Timeout(ready(1), time.Hour), taskContext(rt)
		r.Poll(cx)
		wantPanic(t, "Timeout polled after it finished", func() { r.Poll(cx) })
	})
}

// message reads four bytes, which say how long a message is, and then the message.
func message(s *Stream) Future[string] {
	return Async(func(co *Co) string {
		head := make([]byte, 4)
		io.ReadFull(co.Conn(s), head)
		n := binary.BigEndian.Uint32(head)
		if n > 1000 {
			return fmt.Sprintf("too long: %d bytes", n)
		}
		body := make([]byte, n)
		// ← a Close while this read waits loses the four bytes
		io.ReadFull(co.Conn(s), body)
		return string(body)
	})
}

// careless gives up a message that doesn't come in time, and begins a new one.
func careless(co *Co, s *Stream, late func()) string {
	for {
		if r := Await(co, Timeout(message(s), 10*time.Millisecond)); r.Err == nil {
			return r.Value
		}
		late()
	}
}

// careful only stops waiting. A task goes on reading.
func careful(co *Co, s *Stream, late func()) string {
	h := Spawn(co.cx, message(s))
	for {
		if r := Await(co, Timeout(h, 10*time.Millisecond)); r.Err == nil {
			return r.Value.Value
		}
		late()
	}
}

// The page and the picture about cancel safety show what this prints with -v.
func TestCancelBetweenTwoReads(t *testing.T) {
	for _, way := range []struct {
		name, want string
		receive    func(co *Co, s *Stream, late func()) string
	}{{"careless", "too long: 1751477356 bytes", careless}, {"careful", "hello", careful}} {
		rt := openRuntime(t)
		s, peer := openStream(t, rt)
		rt.reactor.read = func(fd int, p []byte) (int, error) {
			n, err := unix.Read(fd, p)
			if n > 0 {
				fmt.Fprintf(t.Output(), "%-8s read %q\n", way.name, p[:n])
			}
			return n, err
		}
		unix.Write(peer, []byte{0, 0, 0, 5})
		got := blockOn(t, rt, Async(func(co *Co) string {
			return way.receive(co, s, func() {
				fmt.Fprintf(t.Output(), "%-8s 10 ms are over\n", way.name)
				unix.Write(peer, []byte("hello"))
			})
		}))
		fmt.Fprintf(t.Output(), "%-8s got %s\n", way.name, got)
		if got != way.want {
			t.Errorf("%s: got %q, want %q", way.name, got, way.want)
		}
	}
}
