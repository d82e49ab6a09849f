package main

import (
	"math"
	"runtime"
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
		blockOn(t, rt, Counted[struct{}]{Sleep(time.Hour), &polls})
		if got := time.Since(start); got != time.Hour || polls != 2 {
			t.Errorf("a Sleep of 1h took %v and %d polls, want 2: to start, and at its time", got, polls)
		}
	})
}

// Property 34, of the kernel's clock.
func TestSleepNeverEndsEarly(t *testing.T) {
	rt := openRuntime(t)
	for d := time.Microsecond; d < 5*time.Millisecond; d += 271 * time.Microsecond {
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
			if _, ready := Sleep(d).Poll(taskContext(rt)); !ready {
				t.Errorf("a Sleep of %v is not ready at its first poll", d)
			}
		}
	})
}

// Property 34: its deadline does not fit into a time.Duration.
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

// Property 34: nor does the kernel's timeout.
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
		t.Errorf("the runtime lay down %d times before it was woken, want once", parks)
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

// Property 22: a future may be polled by one task first, and then by another.
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

// Of many that are due the rest fires later, and the ready queue stays short.
func TestTimersThatAreDueFireInBatches(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var fired []int
		for i := range 5 {
			rt.timers.add(new(timer), time.Second, wakeFunc(func() { fired = append(fired, i) }))
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

// Property 34: however far away its deadline is.
func TestClosedSleepLeavesTheHeapAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var sleeps []*Sleep
		for i := range 100 {
			s := Sleep(time.Duration(1+i*37%100) * time.Hour)
			s.Poll(taskContext(rt))
			sleeps = append(sleeps, s)
		}
		for i, s := range sleeps {
			s.Close()
			s.Close()
			if got, want := rt.Report().Timers, len(sleeps)-i-1; got != want {
				t.Fatalf("%d timers after %d of %d were closed, want %d", got, i+1, len(sleeps), want)
			}
		}
	})
}

// A timer that fires may end another one of the same moment.
func TestSleepMayBeClosedByAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		a, b := Sleep(time.Hour), Sleep(time.Hour)
		cx := taskContext(rt)
		cx.waker = wakeFunc(func() { b.Close() })
		a.Poll(cx)
		late := taskContext(rt)
		b.Poll(late)
		blockOn(t, rt, Sleep(2*time.Hour))
		if wakesOf(late) != 0 {
			t.Error("the second was closed by the first, and fired")
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
		blockOn(t, rt, JoinAll[struct{}](Sleep(1), Sleep(2), Sleep(2)))
		if fired != 3 {
			t.Errorf("told of %d timers, want 3", fired)
		}
	})
}

// judgedTimers are timers and, as the judge, a list of those that have not
// fired, sorted anew whenever one is added. One may end another when it fires.
type judgedTimers struct {
	timers
	all       []*timer // by name
	victims   map[int]int
	list      []pending
	got, want []int // names of those that have fired
}

type pending struct {
	deadline time.Duration // since the start
	name     int
}

func (j *judgedTimers) add(name int, d time.Duration) {
	j.timers.add(j.all[name], d, wakeFunc(func() {
		j.got = append(j.got, name)
		if victim, ok := j.victims[name]; ok {
			j.timers.remove(j.all[victim])
		}
	}))
	deadline := time.Since(j.start)
	deadline += min(d, math.MaxInt64-deadline)
	j.list = append(j.list, pending{deadline, name})
	sort.SliceStable(j.list, func(a, b int) bool { return j.list[a].deadline < j.list[b].deadline })
}

func (j *judgedTimers) remove(name int) {
	j.timers.remove(j.all[name])
	j.strike(name)
}

// strike takes a timer off the list.
func (j *judgedTimers) strike(name int) {
	j.list = slices.DeleteFunc(j.list, func(p pending) bool { return p.name == name })
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

// step does what a letter says. Only some of its bits count.
//
//	a  adds a timer of n nanoseconds; A, S and T mean about so many milliseconds
//	n  adds a timer that nobody will live to see
//	s  stops one of the timers and starts it anew, with n nanoseconds
//	r  removes one, which may have fired, or been removed already
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

// The tests in this file are not parallel: they look at what the whole process
// has allocated.

// What goes on and on allocates nothing.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var sleep Sleep
	defer sleep.Close()
	body := Async(func(co *Co) struct{} {
		for {
			co.suspend(nil)
		}
	})
	asked, answers := make(chan Waker), make(chan struct{})
	defer close(asked)
	go func() {
		for w := range asked {
			w.Wake()
			answers <- struct{}{}
		}
	}()
	for what, step := range map[string]func(cx *Context){
		"a poll, and a wake from inside": func(cx *Context) { wakeLocal(cx.waker) },
		"a wake by anybody":              func(cx *Context) { cx.Waker().Wake() },
		"a wake from a goroutine":        func(cx *Context) { asked <- cx.Waker(); <-answers },
		"a yield":                        func(cx *Context) { (Yield()).Poll(cx) },
		"a timer that fires": func(cx *Context) {
			sleep = Sleep{d: 1}
			sleep.Poll(cx)
		},
		"a switch to a coroutine and back": func(cx *Context) {
			body.Poll(cx)
			wakeLocal(cx.waker)
		},
	} {
		if n := allocations(t, step); n > 0 {
			t.Errorf("%s allocates %d times", what, n)
		}
	}
	body.Close()
}

// allocations returns how often a step allocates, each the poll of a task.
func allocations(t *testing.T, step func(cx *Context)) uint64 {
	t.Helper()
	const before, steps = 1000, 10_000
	var start, end runtime.MemStats
	polls := 0
	blockOn(t, openRuntime(t), until(func(cx *Context) bool {
		switch polls++; polls {
		case before:
			runtime.ReadMemStats(&start)
		case before + steps:
			runtime.ReadMemStats(&end)
			return true
		}
		step(cx)
		return false
	}))
	return (end.Mallocs - start.Mallocs) / steps
}

// heapInUse is what of the heap is in use, and not garbage.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what is in a sync.Pool survives the first time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestSleepingTaskTakes250Bytes(t *testing.T) {
	const n = 100_000
	rt := openRuntime(t)
	before := heapInUse()
	crowd := SpawnRemote(rt, newSleepers(n, func(int) time.Duration { return time.Hour }))
	blockOn(t, rt, until(func(cx *Context) bool {
		wakeLocal(cx.waker)
		return rt.Report().Timers == n
	}))
	if each := (heapInUse() - before) / n; each > 250 {
		t.Errorf("a sleeping task takes %d bytes", each)
	}
	runtime.KeepAlive(crowd)
}

// Each has had an exchange, and has given the buffer back.
func TestIdleEchoConnectionTakes300Bytes(t *testing.T) {
	const first, n = 100, 1300 // the first ones make the queues
	rt, all := openRuntime(t), new(buffer)
	var fds [n]int
	for i := range fds {
		fds[i] = openBusySocket(t, 2*n)
	}
	var before uint64
	for i, fd := range fds {
		if i == first {
			before = heapInUse()
		}
		s := &Stream{source: source{fd: fd, ready: directions{true, true}}, reactor: &rt.reactor}
		if err := rt.reactor.addSource(&s.source); err != nil {
			t.Fatal(err)
		}
		SpawnRemote(rt, &Echo{stream: s, buffer: all})
		blockOn(t, rt, until(func(cx *Context) bool {
			wakeLocal(cx.waker)
			return rt.reactor.waiting == i+1
		}))
	}
	if each := (heapInUse() - before) / (n - first); each > 300 {
		t.Errorf("an idle connection takes %d bytes", each)
	}
}

// openBusySocket returns one from which can be read. The number of its peer is
// larger than high, so that others as small as with a peer elsewhere are free.
func openBusySocket(t *testing.T, high int) (fd int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := unix.FcntlInt(uintptr(pair[1]), unix.F_DUPFD, high)
	unix.Close(pair[1])
	if err == nil {
		t.Cleanup(func() { unix.Close(peer) })
		send(t, peer)
		err = unix.SetNonblock(pair[0], true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair[0]
}
