package main

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed directions.go
var testSource string

const testReturns = "Register, Deregister and Deliver may wait for nothing but the lock, also if a Wake calls Register; is the lock held while Wake is called, or never given back?"

// A testPoller is a kernel that remembers what is armed.
type testPoller struct {
	armed   map[int]directions
	refuses error
	s       *order.Schedule // nil outside of a scenario
}

func (p *testPoller) arm(fd int, want directions) error {
	if p.s != nil {
		p.s.Step(fmt.Sprintf("(arms %d for %s)", fd, testTold(want)))
	}
	if p.refuses != nil {
		return p.refuses
	}
	p.armed[fd] = want
	return nil
}

// A testTask waits, counts the wakes, and may do something then.
type testTask struct {
	name  string
	woken int
	then  func()
}

func (s *testTask) Wake() {
	s.woken++
	if s.then != nil {
		s.then()
	}
}

var (
	testToRead  = directions{readable: true}
	testToWrite = directions{writable: true}
	testToBoth  = directions{readable: true, writable: true}
)

func testTold(i directions) string {
	return map[directions]string{{}: "nothing", testToRead: "reading", testToWrite: "writing", testToBoth: "reading and writing"}[i]
}

// A testWorld is a table on such a poller, and two tasks that wait for fd.
type testWorld struct {
	*Table
	t              testing.TB
	poller         *testPoller
	fd, other      int
	reader, writer *testTask
}

// testTry runs f in a new world, with two numbers for descriptors.
func testTry(t *testing.T, f func(t testing.TB, w *testWorld)) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: directions.go is not started")
	}
	fd := 3 + check.Random(t).IntN(1000)
	check.Instant(t, testReturns, func(t testing.TB) {
		w := &testWorld{t: t, fd: fd, other: fd + 1, poller: &testPoller{armed: make(map[int]directions)}, reader: &testTask{name: "reader"}, writer: &testTask{name: "writer"}}
		mu := new(order.Mutex)
		w.Table = NewTable(w.poller, mu)
		f(t, w)
		if !mu.Taken() && !t.Failed() {
			t.Error("the lock that NewTable was given was never taken: what else uses the table takes that one, and another lock doesn't keep it out")
		}
	})
}

func (w *testWorld) register(fd int, dir direction, s *testTask) {
	w.t.Helper()
	if err := w.Register(fd, dir, s); err != nil {
		w.t.Fatalf("Register(%d, %s, %s) returned the error %q, and arm didn't refuse", fd, testTold(directions{dir == readable, dir == writable}), s.name, err)
	}
}

// event makes fd ready. The kernel doesn't report what isn't armed.
func (w *testWorld) event(fd int, ready directions) {
	w.t.Helper()
	armed := w.poller.armed[fd]
	reported := directions{armed[0] && ready[0], armed[1] && ready[1]}
	if reported == (directions{}) {
		w.t.Fatalf("%d is ready for %s, and it's armed for %s: the kernel says nothing, and the task that waits for that sleeps forever", fd, testTold(ready), testTold(armed))
	}
	w.Deliver(fd, reported)
}

func (w *testWorld) checkArmed(what string, fd int, want directions, look string) {
	w.t.Helper()
	if got := w.poller.armed[fd]; got != want {
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

const (
	testUnion = "there's one entry for both directions, and arm replaces it"
	testStorm = "the kernel reports it again and again, and nothing waits for it"
	testOwn   = "each is woken by its own event"
)

func TestOneTaskWaits(t *testing.T) {
	check.Started(t, "directions.go", testSource)
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.checkArmed("the reader has registered", w.fd, testToRead, testUnion)
		w.checkWoken("the reader has registered", 0, 0, "nothing has happened yet")
		w.event(w.fd, testToRead)
		w.checkWoken("it's readable", 1, 0, testOwn)
		w.checkArmed("it was readable, and the reader was woken", w.fd, directions{}, testStorm)
		w.Deliver(w.fd, testToBoth)
		w.Deliver(w.other, testToRead)
		w.checkWoken("events come late, and nothing waits for them", 1, 0, "is a task that was woken still in the table?")
	})
}

func TestReaderAndWriter(t *testing.T) {
	for _, first := range []direction{readable, writable} {
		testTry(t, func(t testing.TB, w *testWorld) {
			order := "the reader has registered, then the writer"
			if first == readable {
				w.register(w.fd, readable, w.reader)
				w.register(w.fd, writable, w.writer)
			} else {
				order = "the writer has registered, then the reader"
				w.register(w.fd, writable, w.writer)
				w.register(w.fd, readable, w.reader)
			}
			w.checkArmed(order, w.fd, testToBoth, testUnion)
			w.event(w.fd, testToRead)
			w.checkWoken(order+", and it's readable", 1, 0, testOwn)
			w.checkArmed(order+", and it was readable", w.fd, testToWrite, "the writer still waits")
			w.event(w.fd, testToWrite)
			w.checkWoken(order+", it was readable, and now it's writable", 1, 1, testOwn)
			w.checkArmed(order+", and it was readable and writable", w.fd, directions{}, testStorm)
		})
	}
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.event(w.fd, testToWrite)
		w.checkWoken("both have registered, and it's writable", 0, 1, testOwn)
		w.checkArmed("both have registered, and it was writable", w.fd, testToRead, "the reader still waits")
		w.event(w.fd, testToRead)
		w.checkWoken("both have registered, it was writable, and now it's readable", 1, 1, testOwn)
	})
}

func TestEventForBoth(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.event(w.fd, testToBoth)
		w.checkWoken("both have registered, and it's readable and writable", 1, 1, "an event may have both directions")
		w.checkArmed("both have registered, and it was readable and writable", w.fd, directions{}, testStorm)
	})
}

func TestLatestOfEachDirection(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		earlier := &testTask{name: "earlier reader"}
		w.register(w.fd, readable, earlier)
		w.register(w.fd, writable, w.writer)
		w.register(w.fd, readable, w.reader)
		w.event(w.fd, testToBoth)
		w.checkWoken("a reader has registered, the writer, and another reader, and it's readable and writable", 1, 1, "the latest of each direction is woken")
		if earlier.woken > 0 {
			t.Error("a reader has registered, and then another one, and the earlier one was woken: only the latest of each direction is woken")
		}
	})
}

// Wakers of any type: a func can't be compared, and neither can a struct with a slice.
type testFunc func()

func (f testFunc) Wake() { f() }

type testSlice struct{ all []*testTask }

func (s testSlice) Wake() { s.all[0].Wake() }

type testValue struct{ *testTask }

func testWakers(s *testTask) []Waker {
	return []Waker{s, testFunc(s.Wake), testSlice{[]*testTask{s}}, testValue{s}}
}

func TestWakersOfAnyType(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		for i, later := range testWakers(w.reader) {
			for j, other := range testWakers(w.writer) {
				earlier := &testTask{name: "earlier reader"}
				w.reader.woken, w.writer.woken = 0, 0
				for _, err := range []error{w.Register(w.fd, readable, testWakers(earlier)[i]), w.Register(w.fd, writable, other), w.Register(w.fd, readable, later), w.Register(w.fd, writable, testWakers(w.writer)[j])} {
					if err != nil {
						t.Fatalf("Register with a %T or a %T as the waker returned the error %q, and arm didn't refuse", later, other, err)
					}
				}
				w.event(w.fd, testToBoth)
				w.checkWoken(fmt.Sprintf("a %T and a %T are registered as the wakers, twice each, and it's readable and writable", later, other), 1, 1, "the latest of each direction is woken, whatever its type")
				if earlier.woken > 0 {
					t.Fatalf("a %T was registered as a waker, and then another %[1]T, and the earlier one was woken: only the latest of each direction is woken", later)
				}
			}
		}
	})
}

func TestDescriptorsDoNotShare(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.other, readable, w.writer)
		w.checkArmed(fmt.Sprintf("one task waits to read from %d, another one from %d", w.fd, w.other), w.fd, testToRead, "each descriptor has an entry of its own")
		w.event(w.fd, testToRead)
		w.checkWoken(fmt.Sprintf("one task waits to read from %d, another one from %d, and %d is readable", w.fd, w.other, w.fd), 1, 0, "each descriptor has its own waiters")
		w.event(w.other, testToRead)
		w.checkWoken(fmt.Sprintf("then %d is readable", w.other), 1, 1, "each descriptor has its own waiters")
	})
	for shift := range 17 {
		testTry(t, func(t testing.TB, w *testWorld) {
			w.other = w.fd + 1<<shift
			w.register(w.fd, readable, w.reader)
			w.register(w.other, readable, w.writer)
			w.event(w.other, testToRead)
			w.checkWoken(fmt.Sprintf("one task waits to read from %d, another one from %d, and %[2]d is readable", w.fd, w.other), 0, 1, "each descriptor has its own waiters, whatever its number")
			w.event(w.fd, testToRead)
			w.checkWoken(fmt.Sprintf("then %d is readable", w.fd), 1, 1, "each descriptor has its own waiters, whatever its number")
		})
	}
}

func TestDeregister(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.Deregister(w.fd, readable)
		w.checkArmed("both have registered, and the reader was deregistered", w.fd, testToWrite, "the writer still waits, and the reader doesn't")
		w.Deliver(w.fd, testToRead) // it was under way
		w.checkWoken("both have registered, the reader was deregistered, and an event for reading was under way", 0, 0, "Deregister undoes Register")
		w.event(w.fd, testToWrite)
		w.checkWoken("both have registered, the reader was deregistered, and it's writable", 0, 1, "Deregister is for one direction")
		w.register(w.fd, readable, w.reader)
		w.Deregister(w.fd, readable)
		w.checkArmed("the reader has registered and was deregistered", w.fd, directions{}, testStorm)
		w.Deregister(w.fd, writable)
		w.Deregister(w.other, readable)
		w.checkWoken("two were deregistered that weren't registered", 0, 1, "Deregister wakes nothing")
	})
}

// As a task does that reads and writes in one poll.
func TestOneTaskInBothDirections(t *testing.T) {
	for _, gone := range []direction{readable, writable} {
		testTry(t, func(t testing.TB, w *testWorld) {
			left := testToWrite
			if gone == writable {
				left = testToRead
			}
			w.register(w.fd, readable, w.reader)
			w.register(w.fd, writable, w.reader)
			w.Deregister(w.fd, gone)
			what := fmt.Sprintf("one task has registered for reading and for writing, with the same waker, and only %s is left, because the other one was deregistered", testTold(left))
			w.checkArmed(what, w.fd, left, "Deregister is for one direction, whatever waits in the other")
			w.event(w.fd, left)
			w.checkWoken(what+"; then it's ready for that", 1, 0, "Deregister is for one direction, whatever waits in the other")
		})
	}
}

func TestDeregisterWhatIsNotThere(t *testing.T) {
	for dir, there := range []directions{testToRead, testToWrite} {
		testTry(t, func(t testing.TB, w *testWorld) {
			w.register(w.fd, direction(dir), w.reader)
			for range 3 {
				w.Deregister(w.fd, 1-direction(dir))
			}
			what := fmt.Sprintf("one task has registered for %s, and the other direction was deregistered, in which nothing waits", testTold(there))
			w.checkArmed(what, w.fd, there, "if nothing is registered there, Deregister changes nothing")
			w.event(w.fd, there)
			w.checkWoken(what+"; then it's ready for that", 1, 0, "if nothing is registered there, Deregister changes nothing")
		})
	}
}

func TestRegisterInAWake(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.reader.then = func() { w.register(w.fd, readable, w.reader) }
		w.event(w.fd, testToRead)
		w.checkArmed("both wait, it was readable, and the woken reader has registered again, inside Wake", w.fd, testToBoth, testUnion)
		w.event(w.fd, testToRead)
		w.event(w.fd, testToWrite)
		w.checkWoken("both wait, it was readable twice, and writable, and the woken reader always registers again", 2, 1, testOwn)
	})
}

func TestArmThatRefuses(t *testing.T) {
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.poller.refuses = errors.New("no memory")
		if err := w.Register(w.other, readable, w.reader); err == nil || err.Error() != "no memory" {
			t.Fatalf("arm has refused with %q, and Register returned %v, want that error", w.poller.refuses, err)
		}
		w.event(w.fd, testToRead)
		w.checkWoken(fmt.Sprintf("both wait, it's readable, and arm refuses with %q from now on", w.poller.refuses), 1, 1, "if arm refuses for the writer, nothing will wake it: so wake it now, and it hears from Register why")
		w.Deliver(w.fd, testToBoth) // the kernel is still armed for both
		w.checkWoken("both were woken, because arm refuses; then it's readable and writable", 1, 1, "a waker that was called isn't registered anymore")
	})
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.poller.refuses = errors.New("no memory")
		w.event(w.fd, testToRead)
		for _, dir := range []direction{writable, readable} {
			if err := w.Register(w.fd, dir, w.writer); err == nil || err.Error() != "no memory" {
				t.Fatalf("both were woken, because arm refuses; then one registers again, and Register returned %v, want %q: arm has refused, so what was armed before is no more than a guess", err, w.poller.refuses)
			}
		}
		w.poller.refuses, w.poller.armed = nil, make(map[int]directions)
		w.register(w.fd, readable, w.reader)
		w.event(w.fd, testToRead)
		w.checkWoken("arm refused for a while, the reader has registered after that, and it's readable", 2, w.writer.woken, testOwn)
	})
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.reader.then = func() {
			w.poller.refuses = errors.New("no memory")
			for _, fd := range []int{w.fd, w.other} {
				for _, dir := range []direction{readable, writable} {
					if err := w.Register(fd, dir, w.writer); err == nil || err.Error() != "no memory" {
						t.Fatalf("it's readable, and inside its Wake the reader registers again, for a descriptor for which arm refuses with %q, and Register returned %v, want that error: the future needs it before it returns false", w.poller.refuses, err)
					}
				}
			}
		}
		w.event(w.fd, testToRead)
	})
	for _, gone := range []direction{readable, writable} {
		testTry(t, func(t testing.TB, w *testWorld) {
			w.register(w.fd, readable, w.reader)
			w.register(w.fd, writable, w.writer)
			w.poller.refuses = errors.New("no memory")
			if w.Deregister(w.fd, gone); w.reader.woken+w.writer.woken > 0 {
				t.Fatalf("both wait, one direction is deregistered, and arm refuses: the reader was woken %d times and the writer %d times, want none: Deregister calls no waker, also if arm refuses", w.reader.woken, w.writer.woken)
			}
			other, left := w.writer, testToWrite
			if gone == writable {
				other, left = w.reader, testToRead
			}
			if w.event(w.fd, left); other.woken != 1 {
				t.Fatalf("both wait, the %s is deregistered alone, and arm refuses; then it's ready for %s, and the %s was woken %d times, want once: it's still registered", []string{"reader", "writer"}[gone], testTold(left), other.name, other.woken)
			}
		})
	}
	testTry(t, func(t testing.TB, w *testWorld) {
		w.register(w.fd, readable, w.reader)
		w.register(w.fd, writable, w.writer)
		w.poller.refuses = errors.New("no memory")
		w.Deregister(w.fd, readable)
		w.event(w.fd, testToRead)
		if w.reader.woken > 0 {
			t.Fatal("the reader was deregistered, and arm refused; then it's readable, and the reader was woken: Deregister undoes Register, whatever arm says")
		}
	})
}

// Anything may happen, and what was registered says what must come of it.
func TestAnything(t *testing.T) {
	random := check.Random(t)
	testTry(t, func(t testing.TB, w *testWorld) {
		for round := range 300 {
			var log []string
			first, waiting, wakes := w.fd+10*round, make(map[[2]int]int), make(map[int]int)
			var act func(dirs int, inside bool)
			register := func(fd, dir int) {
				n := len(log) // its name
				log = append(log, fmt.Sprintf("n%d registers for %s of %d", n, testTold(directions{dir == 0, dir == 1}), fd))
				waiting[[2]int{fd, dir}] = n
				task := &testTask{name: fmt.Sprint("n", n)}
				task.then = func() {
					if wakes[n]--; wakes[n] != 0 {
						t.Fatalf("%s, and n%d is woken: it doesn't wait, or the event wasn't for it", strings.Join(log, "; "), n)
					}
					if random.IntN(2) == 0 {
						act(2, true)
					}
				}
				if err := w.Register(fd, direction(dir), testWakers(task)[random.IntN(4)]); err != nil {
					t.Fatalf("%s: Register returned the error %q, and arm didn't refuse", strings.Join(log, "; "), err)
				}
			}
			act = func(dirs int, inside bool) {
				fd, dir := first+random.IntN(3), random.IntN(2)
				switch what := random.IntN(3 + dirs); {
				case what < 3:
					register(fd, dir)
				case what == 3 || inside:
					log = append(log, fmt.Sprintf("%d is deregistered for %s", fd, testTold(directions{dir == 0, dir == 1})))
					delete(waiting, [2]int{fd, dir})
					w.Deregister(fd, direction(dir))
				default: // for one direction: a wake may do anything, also for the other one
					ready := directions{dir == 0, dir == 1}
					log = append(log, fmt.Sprintf("%d is ready for %s", fd, testTold(ready)))
					n, there := waiting[[2]int{fd, dir}]
					if there {
						delete(waiting, [2]int{fd, dir})
						wakes[n] = 1
					}
					if w.Deliver(fd, ready); there && wakes[n] != 0 {
						t.Fatalf("%s, and n%d isn't woken, which waits for that", strings.Join(log, "; "), n)
					}
				}
			}
			for range 12 {
				act(4, false)
				for fd := first; fd < first+3; fd++ {
					_, reader := waiting[[2]int{fd, 0}]
					_, writer := waiting[[2]int{fd, 1}]
					w.checkArmed(strings.Join(log, "; "), fd, directions{reader, writer}, "that's what tasks wait for")
				}
			}
		}
	})
}
