package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed reuse.go
var testSource string

const testReturns = "Turn must return after one wait; does something call wait again and again?"

// A testKernel reports what it is told to: fire puts the data that a descriptor
// is armed with at this moment into the next wait, and disarms it. As with epoll
// and kqueue, arm and disarm take back what no wait has returned.
type testKernel struct {
	armed map[int]uint64
	next  []testEvent
	fired map[int]bool // there's an event in next
	waits int
}

type testEvent struct {
	fd   int
	data uint64
}

func (s *testKernel) arm(fd int, data uint64) { s.disarm(fd); s.armed[fd] = data }

func (s *testKernel) disarm(fd int) {
	delete(s.armed, fd)
	if s.fired[fd] {
		delete(s.fired, fd)
		s.next = slices.DeleteFunc(s.next, func(e testEvent) bool { return e.fd == fd })
	}
}

func (s *testKernel) wait() (events []uint64) {
	s.waits++
	for _, e := range s.next {
		events = append(events, e.data)
	}
	s.next = nil
	clear(s.fired)
	return events
}

// A testWorld is a reactor on such a kernel, and who has been woken.
type testWorld struct {
	*Reactor
	kernel *testKernel
	t      testing.TB
	woken  []string
	alive  func(name string) // called before each wake, if it's there
}

func testWorldOf(t testing.TB) *testWorld {
	k := &testKernel{armed: make(map[int]uint64), fired: make(map[int]bool)}
	return &testWorld{Reactor: NewReactor(k), kernel: k, t: t}
}

// register registers a name, whose wake then does what is given.
func (w *testWorld) register(fd int, name string, then ...func()) {
	w.t.Helper()
	w.Register(fd, func() {
		if w.alive != nil {
			w.alive(name)
		}
		w.woken = append(w.woken, name)
		for _, f := range then {
			f()
		}
	})
	if _, ok := w.kernel.armed[fd]; !ok {
		w.t.Fatalf("Register(%d, ...) has not called arm, so the kernel will not report it", fd)
	}
}

// fire makes descriptors ready, so that the next wait reports them in this order.
func (w *testWorld) fire(fds ...int) {
	w.t.Helper()
	for _, fd := range fds {
		data, ok := w.kernel.armed[fd]
		if !ok {
			w.t.Fatalf("%d is ready, and not armed: nothing will hear of it", fd)
		}
		w.kernel.next = append(w.kernel.next, testEvent{fd, data})
		w.kernel.fired[fd] = true
		delete(w.kernel.armed, fd)
	}
}

// turn makes a Turn, and wants these to be woken in it.
func (w *testWorld) turn(what, look string, want ...string) {
	w.t.Helper()
	w.woken, w.kernel.waits = nil, 0
	w.Turn()
	if w.kernel.waits != 1 {
		w.t.Fatalf("%s: Turn has called wait %d times, want once", what, w.kernel.waits)
	}
	if !slices.Equal(w.woken, want) {
		w.t.Fatalf("%s: woken: %s, want: %s: %s", what, testList(w.woken), testList(want), look)
	}
}

func testList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if n := len(names); n > 12 {
		return fmt.Sprintf("%s and so on, %d in all", strings.Join(names[:6], ", "), n)
	}
	return strings.Join(names, ", ")
}

func TestEventWakes(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "reuse.go", testSource)
		w := testWorldOf(t)
		w.register(7, "Ann")
		w.register(8, "Bob")
		w.register(9, "Cem")
		w.fire(9, 7)
		w.turn("9 and 7 are ready", "each event wakes the registration that it was armed for, in the order of the events", "Cem", "Ann")
		if len(w.kernel.armed) != 1 {
			t.Fatalf("after the events of 9 and 7, %d descriptors are armed, want 1: a registration is for one event", len(w.kernel.armed))
		}
		w.turn("nothing is ready", "a registration is for one event")
		w.fire(8)
		w.turn("8 is ready", "each event wakes the registration that it was armed for, in the order of the events", "Bob")
	})
}

func TestRegisterAgainInAWake(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann", func() { w.register(7, "Ann again") })
		w.fire(7)
		w.turn("7 is ready", "Ann waits for 7", "Ann")
		w.fire(7)
		w.turn("7 is ready again, and Ann has registered again in her wake", "that was after her event, so it is a new registration", "Ann again")
	})
}

func TestDeregisterAfterRegisterInAWake(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for _, ready := range []bool{false, true} {
			w := testWorldOf(t)
			w.register(7, "Ann", func() { w.register(7, "Ann again") })
			w.fire(7)
			w.turn("7 is ready", "Ann waits for 7", "Ann")
			if ready {
				w.fire(7)
			}
			w.Deregister(7)
			if len(w.kernel.armed) > 0 {
				t.Fatal("7 was ready, Ann has registered for it again in her wake, and then taken that back, and the kernel still has 7 armed: has Turn taken away what the wake had put there?")
			}
			w.turn("7 was ready, Ann has registered for it again in her wake, it was ready again, and before the wait she took it back", "a registration that was taken back isn't woken")
		}
	})
}

func TestForgottenIsNotWoken(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann")
		w.Deregister(7)
		if len(w.kernel.armed) > 0 {
			t.Fatal("after Deregister(7) the kernel still has 7 armed: it would report a descriptor that nothing waits for")
		}
		w.Deregister(7)
		w.Deregister(8)
		w.register(7, "Ann")
		w.fire(7)
		w.Deregister(7)
		w.turn("7 was ready, and before the wait Ann took it back", "a registration that was taken back isn't woken")
	})
}

// The caller closes the descriptor next, so by the end of the Turn it's too late.
func TestDeregisterDisarmsAtOnce(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for times := 1; times <= 3; times++ { // that 8 is registered, each replacing the one before
			for _, where := range []string{"between two turns", "in the wake of 7", "in the wake of 7, where it was registered"} {
				w := testWorldOf(t)
				register := func() {
					for range times {
						w.register(8, "Bob")
					}
				}
				deregister := func() {
					w.Deregister(8)
					if _, armed := w.kernel.armed[8]; armed {
						t.Fatalf("8 was registered %d times, and taken back %s, and the kernel still has it armed when Deregister returns: the descriptor is closed next, and the number may be another's then", times, where)
					}
				}
				switch where {
				case "between two turns":
					register()
					deregister()
				case "in the wake of 7":
					register()
					w.register(7, "Ann", deregister)
				default:
					w.register(7, "Ann", register, deregister)
				}
				if where != "between two turns" {
					w.fire(7)
					w.turn("7 is ready", "Ann waits for 7", "Ann")
				}
			}
		}
	})
}

func TestLatestRegistrationCounts(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann")
		w.register(7, "Bob")
		w.fire(7)
		w.turn("Ann registered for 7, then Bob did, and 7 is ready", "the later one replaces the earlier", "Bob")
	})
}

// The event came for the first registration, so the second one hasn't had its own.
func TestEventOfAReplacedRegistration(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for times := 1; times <= 3; times++ {
			w := testWorldOf(t)
			w.register(7, "Ann", func() {
				for i := range times {
					w.register(8, fmt.Sprintf("Cem %d", i+1))
				}
			})
			w.register(8, "Bob")
			w.fire(7, 8)
			w.turn("7 and 8 are ready, and Ann's wake registers Cem for 8, without a Deregister", "the event of 8 is Bob's, and his registration is replaced", "Ann")
			w.fire(8)
			w.turn("then 8 is ready for Cem, who waits for his own event", "it was armed for Cem, so it's Cem's", fmt.Sprintf("Cem %d", times))
		}
	})
}

// Anything may happen, in wakes and between turns. The model knows whose event is whose.
func TestAnything(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testReturns, func(t testing.TB) {
		for range 300 {
			w, owner, log := testWorldOf(t), make(map[int]string), []string(nil)
			var want, pending []string // of this turn; of the events that came
			names, depth := 0, 0
			var act func()
			register := func(fd int) {
				names++
				name := fmt.Sprint("n", names)
				log = append(log, fmt.Sprintf("Register(%d, %s)", fd, name))
				owner[fd] = name
				w.register(fd, name, func() {
					delete(owner, fd)
					if depth++; depth < 20 && random.IntN(2) == 0 {
						act()
					}
				})
			}
			act = func() {
				switch fd := 7 + random.IntN(3); random.IntN(3) {
				case 0, 1:
					register(fd)
				default:
					log = append(log, fmt.Sprintf("Deregister(%d)", fd))
					_, registered := owner[fd]
					delete(owner, fd)
					w.Deregister(fd)
					if _, armed := w.kernel.armed[fd]; registered && armed {
						t.Fatalf("%s: the kernel still has %d armed when Deregister returns", strings.Join(log, ", "), fd)
					}
				}
			}
			for range 5 {
				for range random.IntN(4) {
					act()
				}
				pending = nil
				for fd := 7; fd < 10; fd++ {
					if _, armed := w.kernel.armed[fd]; armed && random.IntN(3) > 0 {
						w.fire(fd)
						pending = append(pending, owner[fd])
						log = append(log, fmt.Sprintf("%d is ready", fd))
					}
				}
				if random.IntN(2) == 0 {
					act()
				}
				log, w.woken, want = append(log, "Turn"), nil, nil
				seen := 0
				w.alive = func(name string) { // just before a wake
					for seen < len(pending) && pending[seen] != name {
						seen++
					}
					if seen == len(pending) {
						t.Fatalf("%s: Turn woke %s, and no event of this turn is its own, or it was woken already", strings.Join(log, ", "), name)
					}
					seen++
					for _, own := range owner {
						if own == name {
							return
						}
					}
					t.Fatalf("%s: Turn woke %s, whose registration is over, taken back or replaced", strings.Join(log, ", "), name)
				}
				w.Turn()
				for _, name := range pending {
					for _, own := range owner {
						if own == name && !slices.Contains(w.woken, name) {
							want = append(want, name)
						}
					}
				}
				if len(want) > 0 {
					t.Fatalf("%s: an event came for %v, which is still registered, and Turn hasn't woken it", strings.Join(log, ", "), want)
				}
			}
		}
	})
}

// The event is in the hands of Turn when its connection is closed.
func TestConnectionThatIsClosedInTheSameTurn(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann", func() { w.Deregister(8) })
		w.register(8, "Bob")
		w.fire(7, 8)
		w.turn("7 and 8 are ready, and Ann's wake closes 8", "the connection of the second event was closed by the wake before it", "Ann")
	})
}

func TestNumberThatIsUsedAgainInTheSameTurn(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for times := 1; times <= 4; times++ {
			w := testWorldOf(t)
			w.register(7, "Ann", func() {
				for i := range times {
					w.Deregister(8)
					w.register(8, fmt.Sprintf("Cem %d", i+1))
				}
			})
			w.register(8, "Bob")
			w.fire(7, 8)
			again := "another connection has the number by then"
			if times > 1 {
				again = "the number was used again " + []string{"", "", "twice", "three times", "four times"}[times]
			}
			w.turn("7 and 8 are ready; Ann's wake closes 8, which was Bob's, and "+again, "the event is Bob's, and Bob is gone; what did the kernel give back with it, and what does Cem have of that?", "Ann")
			w.fire(8)
			w.turn("then 8 is ready, for Cem, who waits for its own event", "it was armed for Cem, so it is Cem's", fmt.Sprintf("Cem %d", times))
		}
	})
}

// The number was free for a while, so there was a moment when nobody had it.
func TestNumberThatIsUsedAgainLater(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for between := range 3 {
			w := testWorldOf(t)
			w.register(7, "Ann", func() {
				w.Deregister(8)
				for range between {
					w.register(9, "another one")
					w.Deregister(9)
				}
			})
			w.register(6, "Dora", func() { w.register(8, "Cem") })
			w.register(8, "Bob")
			w.fire(7, 6, 8)
			w.turn("7, 6 and 8 are ready; Ann's wake closes 8, which was Bob's, and Dora's wake opens another connection, which has the number by then", "the event is Bob's, and Bob is gone; does a count begin again when nobody has the number?", "Ann", "Dora")
			w.fire(8)
			w.turn("then 8 is ready, for Cem, who waits for its own event", "it was armed for Cem, so it is Cem's", "Cem")
		}
	})
}

func TestNumberThatIsUsedAgainWithoutAnEvent(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(8, "Bob")
		w.Deregister(8)
		w.register(8, "Cem")
		w.fire(8)
		w.turn("Bob registered for 8 and took it back, no event came, and Cem, who has the number now, waits for its own event, which comes", "it was armed for Cem, so it is Cem's", "Cem")
	})
}

// Nobody is registered for a moment, with an event on its way.
func TestNumberThatIsUsedAgainWhenNobodyIsLeft(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(8, "Bob")
		w.register(6, "Dora", func() { w.Deregister(8) })
		w.register(7, "Ann", func() { w.register(8, "Cem") })
		w.fire(6, 7, 8)
		w.turn("6, 7 and 8 are ready, Dora's wake closes 8, which was Bob's, and Ann's wake, when no registration is left, registers Cem for 8", "the event of 8 is Bob's, and Bob is gone; does a count begin again when nobody is registered?", "Dora", "Ann")
		w.fire(8)
		w.turn("then 8 is ready for Cem", "it was armed for Cem, so it's Cem's", "Cem")
	})
}

// The number changes hands once, and others register often in between.
func TestManyRegistrationsOfOthers(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		for _, others := range []int{1<<16 - 2, 1<<16 - 1, 1 << 16} {
			w := testWorldOf(t)
			w.register(7, "Ann", func() {
				w.Deregister(8)
				for range others {
					w.Register(9, func() {})
				}
				w.register(8, "Cem")
			})
			w.register(8, "Bob")
			w.fire(7, 8)
			w.turn(fmt.Sprintf("7 and 8 are ready, and Ann's wake closes 8, which was Bob's, registers 9 %d times, and then Cem for 8", others), "the event is Bob's, and Bob is gone; if all descriptors share a count, it has to last longer", "Ann")
		}
	})
}

func TestAMillionRegistrationsOfOthers(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w, wake, others := testWorldOf(t), func() {}, 1<<20-1
		var bobs uint64
		w.register(7, "Ann", func() {
			w.Deregister(8)
			for i := range others {
				w.Register(9+i>>16, wake) // no more than 65,536 times each
			}
			for range 3 {
				if w.register(8, "Cem"); w.kernel.armed[8] == bobs {
					break
				}
			}
		})
		w.register(8, "Bob")
		bobs = w.kernel.armed[8]
		w.fire(7, 8)
		w.turn(fmt.Sprintf("7 and 8 are ready, and Ann's wake closes 8, which was Bob's, registers 17 others, %d times together, and then Cem for 8", others), "the event is Bob's, and Bob is gone; if all descriptors share a count, it has to last for all of them", "Ann")
	})
}

func TestManyEventsAtOnce(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w, want := testWorldOf(t), []string(nil)
		for fd := range 10_000 {
			want = append(want, fmt.Sprint("c", fd))
			w.register(fd, want[fd])
			w.fire(fd)
		}
		w.turn("10,000 descriptors are ready at once", "each event wakes the registration that it was armed for, in the order of the events", want...)
	})
}

func TestManyConnections(t *testing.T) {
	check.Instant(t, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		var bobs uint64
		wake := func() { w.woken = append(w.woken, "one of the 65,536") }
		w.register(7, "Ann", func() {
			for i := range 1 << 16 {
				if w.Deregister(8); i == 0 {
					runtime.GC() // the address of what's gone may be used again
					runtime.GC()
				}
				w.Register(8, wake)
				if w.kernel.armed[8] == bobs {
					break // this one can't be told from Bob
				}
			}
		})
		w.register(8, "Bob")
		bobs = w.kernel.armed[8]
		w.fire(7, 8)
		w.turn("7 and 8 are ready, and in Ann's wake 65,536 connections have the number 8 that was Bob's, one after the other", "the event is Bob's, and Bob is gone; how many registrations are there until a number comes again?", "Ann")
		for _, fd := range []int{1<<16 - 1, 1 << 16, 1<<16 + 8, 1<<19 + 70_000, 1<<20 - 1} {
			w.register(8, "Eve")
			w.register(fd, "Dora")
			w.fire(fd, 8)
			w.turn(fmt.Sprintf("descriptors of number %d and 8 are ready", fd), "a program may have that many", "Dora", "Eve")
		}
		w.register(1<<20, "Dora")
		w.fire(1 << 20)
		w.turn("a descriptor of number 1,048,576 is ready", "a program may have that many", "Dora")
	})
}
