package main

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testReturns = "Register and Deliver must return at once, also if a Wake calls Register; is the lock held while Wake is called, or never given back?"

// A testGate is a lock that lets somebody else come in when it is free: between
// is called before the first Lock, after the first Unlock, before the second
// Lock, and so on, at the moment of that number.
type testGate struct {
	sync.Mutex
	moment  int
	at      int
	between func()
}

func (g *testGate) pass() {
	if g.moment++; g.moment == g.at {
		g.between()
	}
}

func (g *testGate) Lock()   { g.pass(); g.Mutex.Lock() }
func (g *testGate) Unlock() { g.Mutex.Unlock(); g.pass() }

// A testQueue is a kernel's queue that remembers what is armed.
type testQueue struct {
	armed   map[int]interest
	refuses error
}

func (q *testQueue) arm(fd int, want interest) error {
	if q.refuses != nil {
		return q.refuses
	}
	q.armed[fd] = want
	return nil
}

// testSomebody waits, counts how often they are woken, and then does something.
type testSomebody struct {
	name  string
	woken int
	then  func()
}

func (s *testSomebody) Wake() {
	s.woken++
	if s.then != nil {
		s.then()
	}
}

var (
	testToRead  = interest{readable: true}
	testToWrite = interest{writable: true}
	testToBoth  = interest{readable: true, writable: true}
)

func testTold(i interest) string {
	return map[interest]string{{}: "nothing", testToRead: "reading", testToWrite: "writing", testToBoth: "reading and writing"}[i]
}

// A testWorld is a table on such a queue, and two who wait for descriptor 7.
type testWorld struct {
	*Table
	t              testing.TB
	queue          *testQueue
	gate           *testGate
	reader, writer *testSomebody
}

func testWorldOf(t testing.TB) *testWorld {
	w := &testWorld{t: t, queue: &testQueue{armed: make(map[int]interest)}, gate: new(testGate), reader: &testSomebody{name: "reader"}, writer: &testSomebody{name: "writer"}}
	w.Table = NewTable(w.queue, w.gate)
	return w
}

func (w *testWorld) register(fd int, dir direction, s *testSomebody) {
	w.t.Helper()
	if err := w.Register(fd, dir, s); err != nil {
		w.t.Fatalf("Register(%d, %s, %s) gave the error %q, and arm did not refuse", fd, testTold(interest{dir == readable, dir == writable}), s.name, err)
	}
}

// event makes fd ready, which disarms it. What is not armed the kernel does not
// report.
func (w *testWorld) event(fd int, ready interest) {
	w.t.Helper()
	armed := w.queue.armed[fd]
	reported := interest{armed[0] && ready[0], armed[1] && ready[1]}
	if reported == (interest{}) {
		w.t.Fatalf("%d is ready for %s, and is armed for %s: the kernel says nothing, and who waits for that sleeps for ever", fd, testTold(ready), testTold(armed))
	}
	w.queue.armed[fd] = interest{}
	w.Deliver(fd, reported)
}

func (w *testWorld) checkArmed(what string, fd int, want interest, look string) {
	w.t.Helper()
	if got := w.queue.armed[fd]; got != want {
		w.t.Fatalf("%s: %d is armed for %s, want %s: %s", what, fd, testTold(got), testTold(want), look)
	}
}

// checkWoken wants these counts.
func (w *testWorld) checkWoken(what string, reader, writer int, look string) {
	w.t.Helper()
	if w.reader.woken != reader || w.writer.woken != writer {
		w.t.Fatalf("%s: the reader was woken %d times and the writer %d times, want %d and %d: %s", what, w.reader.woken, w.writer.woken, reader, writer, look)
	}
}

const testUnion = "there is one entry for both directions, and arm replaces it, so it gets the union"

func TestOneWaiter(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, readable, w.reader)
		w.checkArmed("the reader has registered", 7, testToRead, testUnion)
		w.checkWoken("the reader has registered", 0, 0, "nothing has happened yet")
		w.event(7, testToRead)
		w.checkWoken("7 is readable", 1, 0, "each is woken by its own event")
		w.checkArmed("7 was readable, and nobody waits now", 7, interest{}, "nobody is left; is who was woken still in the table?")
		w.Deliver(7, testToBoth)
		w.Deliver(8, testToRead)
		w.checkWoken("events come late, for which nobody waits", 1, 0, "an event wakes who has registered since the one before")
	})
}

func TestReaderAndWriter(t *testing.T) {
	for _, first := range []direction{readable, writable} {
		check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
			w := testWorldOf(t)
			order := "the reader has registered, then the writer"
			if first == readable {
				w.register(7, readable, w.reader)
				w.register(7, writable, w.writer)
			} else {
				order = "the writer has registered, then the reader"
				w.register(7, writable, w.writer)
				w.register(7, readable, w.reader)
			}
			w.checkArmed(order, 7, testToBoth, testUnion)
			w.event(7, testToRead)
			w.checkWoken(order+", and 7 is readable", 1, 0, "each is woken by its own event")
			w.checkArmed(order+", and 7 was readable", 7, testToWrite, "the event has disarmed both, and the writer still waits")
			w.event(7, testToWrite)
			w.checkWoken(order+", 7 was readable, and now it is writable", 1, 1, "each is woken by its own event")
			w.checkArmed(order+", and 7 was readable and writable", 7, interest{}, "nobody is left; is who was woken still in the table?")

			w = testWorldOf(t)
			w.register(7, readable, w.reader)
			w.register(7, writable, w.writer)
			w.event(7, testToWrite)
			w.checkWoken("both have registered, and 7 is writable", 0, 1, "each is woken by its own event")
			w.checkArmed("both have registered, and 7 was writable", 7, testToRead, "the event has disarmed both, and the reader still waits")
		})
	}
}

func TestEventForBoth(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, readable, w.reader)
		w.register(7, writable, w.writer)
		w.event(7, testToBoth)
		w.checkWoken("both have registered, and 7 is readable and writable", 1, 1, "an event may have both directions")
		w.checkArmed("both have registered, and 7 was readable and writable", 7, interest{}, "nobody is left; is who was woken still in the table?")
	})
}

func TestLatestOfEachDirection(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w, earlier := testWorldOf(t), &testSomebody{name: "earlier reader"}
		w.register(7, readable, earlier)
		w.register(7, writable, w.writer)
		w.register(7, readable, w.reader)
		w.event(7, testToBoth)
		w.checkWoken("a reader has registered, the writer, and another reader, and 7 is readable and writable", 1, 1, "the latest of each direction is woken")
		if earlier.woken > 0 {
			t.Error("a reader has registered, and then another one, and the earlier one was woken: the latest of each direction is woken")
		}
	})
}

func TestDescriptorsDoNotShare(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, readable, w.reader)
		w.register(8, writable, w.writer)
		w.event(7, testToBoth)
		w.checkWoken("the reader waits for 7, the writer for 8, and 7 is ready", 1, 0, "each is woken by its own event")
		w.event(8, testToBoth)
		w.checkWoken("then 8 is ready", 1, 1, "each is woken by its own event")
	})
}

func TestRegisterInAWake(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, readable, w.reader)
		w.register(7, writable, w.writer)
		w.reader.then = func() { w.register(7, readable, w.reader) }
		w.event(7, testToRead)
		w.checkArmed("both wait, 7 was readable, and the woken reader has registered again, inside Wake", 7, testToBoth, testUnion)
		w.event(7, testToRead)
		w.event(7, testToWrite)
		w.checkWoken("both wait, 7 was readable twice, and writable, and the woken reader always registers again", 2, 1, "each is woken by its own event")
	})
}

// Somebody registers whenever the lock is free.
func TestRegisterDuringDeliver(t *testing.T) {
	for at := 1; at <= 6; at++ {
		check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
			w, newcomer := testWorldOf(t), &testSomebody{name: "new reader"}
			w.register(7, readable, w.reader)
			w.register(7, writable, w.writer)
			w.gate.moment, w.gate.at = 0, at
			w.gate.between = func() { w.register(7, readable, newcomer) }
			w.event(7, testToRead)
			if w.gate.moment < 2 {
				t.Fatal("Deliver has not taken the lock that NewTable was given")
			}
			if w.gate.moment < at {
				return // the moment has not come
			}
			if newcomer.woken > 0 { // who came before the look has got the event
				w.checkArmed("both wait, 7 was readable, and a new reader was in time for that", 7, testToWrite, "the writer still waits")
				return
			}
			w.checkArmed("both wait, 7 was readable, and while that was delivered a new reader came in when the lock was free", 7, testToBoth, "what was armed for who was left has replaced what was armed for the new reader, or the other way round; whose arm was the last one, and what did it know?")
			w.event(7, testToBoth)
			if newcomer.woken != 1 || w.writer.woken != 1 {
				t.Fatalf("both wait, and while an event was delivered a new reader came in when the lock was free; then 7 was ready for both, and the new reader was woken %d times and the writer %d times, want 1 and 1", newcomer.woken, w.writer.woken)
			}
		})
	}
}

func TestArmThatIsRefused(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, readable, w.reader)
		w.register(7, writable, w.writer)
		w.queue.refuses = errors.New("no memory")
		if err := w.Register(8, readable, w.reader); err == nil || err.Error() != "no memory" {
			t.Fatalf("arm has refused with %q, and Register gave %v, want that error", w.queue.refuses, err)
		}
		w.event(7, testToRead)
		w.checkWoken(fmt.Sprintf("both wait, 7 is readable, and arm refuses with %q from now on", w.queue.refuses), 1, 1, "if the writer cannot be armed again nobody will wake it: so wake it now, and it hears from Register why")
	})
}
