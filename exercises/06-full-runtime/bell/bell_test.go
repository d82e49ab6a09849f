package main

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed bell.go
var testSource string

const testReturns = "Wake and Close must return at once, and Wait as soon as the bell is rung; is a lock taken twice, or never given back, or does something try again and again?"

// A testGate is a lock that lets another goroutine come in when it's free: between
// is called at the moment of that number, or at the first one after it at which
// the lock is free.
type testGate struct {
	sync.Mutex
	held        bool
	locks       int
	moment, at  int
	between     func()
	when, calls string // the moment at which between was called, and of what
}

func (g *testGate) pass(moment string) {
	if g.moment++; g.between != nil && g.moment >= g.at && !g.held {
		f := g.between
		g.between, g.when = nil, moment
		f()
	}
}

func (g *testGate) Lock() {
	if g.between != nil {
		g.pass(fmt.Sprintf("before %s has taken the lock for the %s time", g.calls, testNth(g.locks)))
	}
	g.Mutex.Lock()
	g.held, g.locks = true, g.locks+1
}

func (g *testGate) Unlock() {
	g.held = false
	g.Mutex.Unlock()
	if g.between != nil {
		g.pass(fmt.Sprintf("after %s has given the lock back for the %s time", g.calls, testNth(g.locks-1)))
	}
}

func testNth(n int) string { return []string{"first", "second", "third", "fourth", "nth"}[min(n, 4)] }

// moments makes f happen at the given moment of what is called next.
func (g *testGate) moments(calls string, at int, f func()) {
	g.calls, g.moment, g.locks, g.at, g.between = calls, 0, 0, at, f
}

// A testKernel is one with one bell, of either kind. What is closed belongs to
// another connection at once.
type testKernel struct {
	t           testing.TB
	kind        string
	gate        *testGate
	heard, ring int
	closed      map[int]bool
	count       uint64 // what has been written and not read: a number, or bytes
	rings       int    // writes that were good
	interrupts  int    // of the next writes
	waits, naps int    // calls of wait, and those that slept
	locks       int    // taken before the last wait
	once        bool   // a Wait is under way that's to call wait no more than once
	asleep      func() (other bool)
}

func (k *testKernel) open() (heard, ring int, err error) { return k.heard, k.ring, nil }

// owned wants fd to be this end of the bell.
func (k *testKernel) owned(does string, fd, end int) {
	k.t.Helper()
	switch {
	case k.closed[fd]:
		k.t.Fatalf("with %s: something %s descriptor %d, which was the bell's; Close has closed it, and by now it is the number of another connection (Close came %s)", k.kind, does, fd, k.gate.when)
	case fd != end:
		k.t.Fatalf("with %s: something %s descriptor %d; the bell is heard by reading from %d, and rung by writing to %d", k.kind, does, fd, k.heard, k.ring)
	}
}

func (k *testKernel) write(fd int, p []byte) (int, error) {
	k.t.Helper()
	k.gate.pass("when Wake is about to write to the bell")
	k.owned("writes to", fd, k.ring)
	if k.interrupts > 0 {
		k.interrupts--
		return -1, unix.EINTR
	}
	add := uint64(len(p))
	if k.kind == testEventfd {
		if len(p) < 8 || binary.NativeEndian.Uint64(p) == math.MaxUint64 {
			k.t.Fatalf("with %s: a write of %v fails with EINVAL, as it takes a number of 64 bits, 8 bytes, below the greatest one: the bell isn't rung", k.kind, p)
		}
		if add = binary.NativeEndian.Uint64(p); add == 0 {
			k.t.Fatalf("with %s: something writes the number 0, and what is added to nothing is nothing: the bell is silent", k.kind)
		}
	}
	k.count += add
	k.rings++
	return len(p), nil
}

func (k *testKernel) read(fd int, p []byte) (int, error) {
	k.t.Helper()
	k.gate.pass("when Wait is about to read from the bell")
	k.owned("reads from", fd, k.heard)
	n := min(int(k.count), len(p))
	if k.kind == testEventfd {
		if n = 8; len(p) < n {
			k.t.Fatalf("with %s: a read of %d bytes fails with EINVAL, as what there is to read is a number of 64 bits: the bell stays rung", k.kind, len(p))
		}
	}
	if k.count == 0 {
		return -1, unix.EAGAIN
	}
	if k.count -= uint64(n); k.kind == testEventfd {
		k.count = 0 // to read takes the number out
	}
	return n, nil
}

func (k *testKernel) wait(heard int) {
	k.t.Helper()
	k.gate.pass("when Wait is about to sleep")
	k.owned("waits for", heard, k.heard)
	if k.gate.held {
		k.t.Fatalf("with %s: Wait sleeps with the lock held, and every Wake waits for the lock", k.kind)
	}
	if k.waits, k.locks = k.waits+1, k.gate.locks; k.once && k.waits > 1 {
		k.t.Fatalf("with %s: Wait calls wait a second time. It calls it once, and then returns what there is: nothing, if something else has ended the sleep, or a ring of before", k.kind)
	}
	if k.count == 0 {
		k.naps++
		if other := k.asleep(); k.count == 0 && !other {
			k.t.Fatalf("with %s: Wait sleeps, the bell is silent, and so it sleeps forever; %s", k.kind, k.why())
		}
	}
	k.gate.pass("when Wait has slept")
}

// why tells what has been woken.
func (k *testKernel) why() string {
	switch {
	case k.gate.when != "" && k.rings > 0:
		return "a task was woken " + k.gate.when + ", and Wake has rung: what has read that away?"
	case k.gate.when != "":
		return "a task was woken " + k.gate.when + ", and Wake didn't ring: had Wait looked already, and not yet announced that it would sleep?"
	}
	return "a task was woken in its sleep, and Wake didn't ring"
}

func (k *testKernel) close(fd int) {
	k.t.Helper()
	if k.closed[fd] {
		k.t.Fatalf("with %s: Close closes descriptor %d twice: the second time it is the number of another connection, which breaks off", k.kind, fd)
	}
	if fd != k.heard && fd != k.ring {
		k.t.Fatalf("with %s: Close closes descriptor %d, and the bell has %d and %d", k.kind, fd, k.heard, k.ring)
	}
	k.closed[fd] = true
}

const testEventfd, testPipe = "an eventfd", "a pipe"

// testEach runs f with a new door, for either kind of bell.
func testEach(t *testing.T, f func(t testing.TB, d *Door, k *testKernel)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestWokenBeforeTheWait" {
		t.Skip("not tried: bell.go is not started")
	}
	for _, ends := range [][2]int{{5, 5}, {5, 6}, {0, 0}, {1, 0}} { // any number may be free, also 0
		if t.Failed() {
			return // once is enough
		}
		check.Instant(t, testReturns, func(t testing.TB) {
			check.Started(t, "bell.go", testSource)
			d, k := testDoor(t, ends[0], ends[1])
			f(t, d, k)
		})
	}
}

func testDoor(t testing.TB, heard, ring int) (*Door, *testKernel) {
	t.Helper()
	k := &testKernel{t: t, kind: testEventfd, gate: new(testGate), heard: heard, ring: ring, closed: make(map[int]bool)}
	if ring != heard {
		k.kind = testPipe
	}
	k.asleep = func() bool { return false }
	d, err := NewDoor(k, k.gate)
	if err != nil {
		t.Fatalf("NewDoor gave the error %q", err)
	}
	return d, k
}

// waitOnce calls Wait, which is to call wait no more than once.
func (k *testKernel) waitOnce(d *Door) []int {
	k.waits, k.naps, k.once = 0, 0, true
	defer func() { k.once = false }()
	return d.Wait()
}

// wantWait calls Wait, and wants these tasks. What happens while it sleeps is in
// asleep, which reports whether that ends the sleep.
func (k *testKernel) wantWait(d *Door, what string, asleep func() bool, want ...int) {
	k.t.Helper()
	k.asleep = func() bool { return asleep != nil && asleep() }
	got := k.waitOnce(d)
	switch {
	case asleep != nil && k.waits == 0:
		k.t.Fatalf("with %s: %s; but Wait has not called wait, and returned %s", k.kind, what, testList(got))
	case asleep != nil && k.naps == 0:
		k.t.Fatalf("with %s: %s; but Wait didn't sleep, as the bell still says that it was rung: what should have read that, and when?", k.kind, what)
	case !slices.Equal(got, want):
		k.t.Fatalf("with %s: %s, and Wait returned %s, want %s", k.kind, what, testList(got), testList(want))
	case asleep == nil && k.waits > 0:
		k.t.Fatalf("with %s: %s, and Wait called wait: there was no reason to sleep", k.kind, what)
	}
}

// wantRings wants so many since the last look.
func (k *testKernel) wantRings(what string, want int) {
	k.t.Helper()
	if k.rings != want {
		k.t.Fatalf("with %s: %s, and the bell was rung %s, want %s: each is a system call, and only an executor that sleeps needs it, once", k.kind, what, testTimes(k.rings), testTimes(want))
	}
	k.rings = 0
}

func TestWokenBeforeTheWait(t *testing.T) {
	testEach(t, func(t testing.TB, d *Door, k *testKernel) {
		d.Wake(7)
		d.Wake(8)
		if got := d.Wait(); !slices.Equal(got, []int{7, 8}) {
			t.Fatalf("tasks 7 and 8 were woken, and then Wait returned %v, want [7 8]", got)
		}
		if k.waits > 0 {
			t.Fatal("tasks 7 and 8 were woken, and then Wait called wait: there was no reason to sleep")
		}
		k.wantRings("tasks 7 and 8 were woken while nothing was in Wait", 0)
	})
}

func TestWhatWaitHasGivenStays(t *testing.T) {
	testEach(t, func(t testing.TB, d *Door, k *testKernel) {
		d.Wake(7)
		first := d.Wait()
		d.Wake(8)
		if !slices.Equal(first, []int{7}) {
			t.Fatalf("Wait returned [7], and when task 8 was woken after that, the same list became %v: what else writes into it?", first)
		}
		d.Wait()
		var lists [][]int
		for round := range 20 { // some arrays are used again, a few rounds later
			for task := range 3 {
				d.Wake(100*round + task)
			}
			lists = append(lists, d.Wait())
			for before, list := range lists {
				if want := []int{100 * before, 100*before + 1, 100*before + 2}; !slices.Equal(list, want) {
					t.Fatalf("three tasks were woken before each Wait. The list of Wait number %d was %v, and when Wait number %d has returned, the same list is %v: what else writes into it?", before+1, want, round+1, list)
				}
			}
		}
		k.asleep = func() bool { return true } // something else, when there are no tasks
		for tasks := range 10 {                // some slices have room at their end
			for task := range tasks {
				d.Wake(task)
			}
			list := d.Wait()
			d.Wake(8)
			_ = append(list, 99)
			if got := d.Wait(); !slices.Equal(got, []int{8}) {
				t.Fatalf("Wait returned %v, then task 8 was woken, and then the caller appended 99 to what it has. Now Wait returned %v, want [8]: is there room behind the caller's list, and does the next Wake use it?", list, got)
			}
		}
	})
}

func TestWakeEndsTheSleep(t *testing.T) {
	testEach(t, func(t testing.TB, d *Door, k *testKernel) {
		for task := range 3 {
			k.wantWait(d, fmt.Sprintf("task %d was woken while Wait slept", task), func() bool { d.Wake(task); return false }, task)
			k.wantRings("a task was woken while Wait slept", 1)
		}
	})
}

func TestManyWakesRingOnce(t *testing.T) {
	testEach(t, func(t testing.TB, d *Door, k *testKernel) {
		for _, n := range []int{1000, 1<<16 + 1} {
			var all []int
			for task := range n {
				all = append(all, task)
			}
			what := fmt.Sprintf("%d tasks were woken while Wait slept", n)
			k.wantWait(d, what, func() bool {
				for task := range n {
					d.Wake(task)
				}
				return false
			}, all...)
			k.wantRings(what, 1)
		}
		k.wantWait(d, "then 8 was woken while Wait slept", func() bool { d.Wake(8); return false }, 8)
	})
}

func TestTwoWakesAtTheSameTimeRingOnce(t *testing.T) {
	testEach(t, func(_ testing.TB, d *Door, k *testKernel) {
		for at := 1; at <= 6; at++ {
			what := ""
			k.asleep = func() bool {
				k.gate.moments("Wake", at, func() { d.Wake(8) })
				d.Wake(7)
				if k.gate.between == nil {
					what = "tasks 7 and 8 were woken while Wait slept, 8 " + k.gate.when
				}
				k.gate.between = nil
				return false
			}
			d.Wait()
			if what != "" {
				k.wantRings(what, 1)
			}
			k.rings, k.gate.when = 0, ""
		}
	})
}

func TestWakeOfAnAwakeExecutorDoesNotRing(t *testing.T) {
	testEach(t, func(_ testing.TB, d *Door, k *testKernel) {
		k.wantWait(d, "task 7 was woken while Wait slept", func() bool { d.Wake(7); return false }, 7)
		k.rings = 0
		d.Wake(8)
		k.wantRings("task 8 was woken after Wait had returned", 0)
		k.wantWait(d, "task 8 was woken before Wait was called", nil, 8)
		d.Wake(10)
		k.wantRings("task 10 was woken after a Wait that hadn't slept", 0)
		k.wantWait(d, "task 10 was woken before Wait was called", nil, 10)
		k.wantWait(d, "something else happened while Wait slept", func() bool { return true })
		d.Wake(9)
		k.wantRings("something else ended the sleep, and task 9 was woken after Wait had returned", 0)
	})
}

func TestSomethingElseEndsTheSleep(t *testing.T) {
	testEach(t, func(_ testing.TB, d *Door, k *testKernel) {
		for range 2 {
			k.wantWait(d, "something else happened while Wait slept", func() bool { return true })
		}
		k.wantWait(d, "then task 7 was woken while Wait slept", func() bool { d.Wake(7); return false }, 7)
	})
}

// A task is woken whenever the lock is free.
func TestWakeAtAnyMomentOfTheWait(t *testing.T) {
	testEach(t, func(t testing.TB, _ *Door, first *testKernel) {
		for at := 1; at <= 12; at++ {
			for _, other := range []bool{false, true} {
				d, k := testDoor(t, first.heard, first.ring)
				k.gate.moments("Wait", at, func() { d.Wake(7) })
				k.asleep = func() bool {
					if !other {
						k.gate.at = 0 // nothing else will come
						k.gate.pass("while Wait slept")
					}
					return other
				}
				got := k.waitOnce(d)
				if k.gate.between != nil && k.locks == 0 {
					t.Fatal("Wait has slept without having taken the lock that NewDoor was given: Wake may change everything at any moment")
				}
				k.gate.at = 0
				k.gate.pass("after the Wait")
				if k.rings > 1 {
					t.Fatalf("with %s: task 7 was woken %s, and the bell was rung %d times", k.kind, k.gate.when, k.rings)
				}
				k.asleep = func() bool { return false }
				if len(got) == 0 {
					got = k.waitOnce(d)
				}
				if !slices.Equal(got, []int{7}) {
					t.Fatalf("with %s: task 7 was woken %s; this Wait and the next one returned %v, want [7] from one of them", k.kind, k.gate.when, got)
				}
				k.gate.when = ""
				k.asleep = func() bool { d.Wake(8); return false }
				for range 2 { // a ring that came late may end one sleep for nothing
					if got = k.waitOnce(d); len(got) > 0 {
						break
					}
				}
				if !slices.Equal(got, []int{8}) {
					t.Fatalf("with %s: then task 8 was woken while Wait slept, and Wait returned %v, want [8]", k.kind, got)
				}
			}
		}
	})
}

func TestRingThatIsInterrupted(t *testing.T) {
	testEach(t, func(_ testing.TB, d *Door, k *testKernel) {
		k.wantWait(d, "task 7 was woken while Wait slept, and a signal interrupted the first 1,000 writes (EINTR)", func() bool {
			k.interrupts = 1000
			d.Wake(7)
			return false
		}, 7)
	})
}

func TestCloseGivesTheBellBackOnce(t *testing.T) {
	testEach(t, func(t testing.TB, d *Door, k *testKernel) {
		d.Close()
		for _, fd := range []int{k.heard, k.ring} {
			if !k.closed[fd] {
				t.Fatalf("with %s: Close has not closed descriptor %d, of %d and %d", k.kind, fd, k.heard, k.ring)
			}
		}
		d.Close()
		d.Wake(7)
	})
}

// Wake has found the executor asleep. Then that ends, by something else, and the
// door is closed, before Wake rings.
func TestCloseDuringAWake(t *testing.T) {
	testEach(t, func(t testing.TB, _ *Door, first *testKernel) {
		for at := range 16 {
			at, interrupts := 1+at%8, at/8*2 // without a signal, and with two
			d, k := testDoor(t, first.heard, first.ring)
			asleep, other, over := make(chan bool), make(chan bool), make(chan bool)
			k.asleep = func() bool {
				asleep <- true
				return <-other
			}
			go func() {
				defer close(over)
				defer func() {
					if v := recover(); v != nil {
						t.Errorf("Wait panics: %v", v)
					}
				}()
				d.Wait()
			}()
			select {
			case <-asleep:
			case <-over:
				t.Fatalf("with %s: no task was woken, and Wait didn't sleep", k.kind)
			}
			end := func() {
				other <- true
				<-over
				locks := k.gate.locks
				d.Close()
				if k.gate.locks == locks {
					t.Fatal("Close has not taken the lock that NewDoor was given: it may close the bell when Wake is about to write to it")
				}
			}
			k.interrupts = interrupts
			k.gate.moments("Wake", at, end)
			d.Wake(7)
			if k.gate.between != nil {
				if k.gate.between = nil; k.gate.locks == 0 {
					t.Fatal("Wake has not taken the lock that NewDoor was given: any number of goroutines may call it at the same time")
				}
				end()
			}
			if d.Wake(8); t.Failed() {
				return
			}
		}
	})
}
