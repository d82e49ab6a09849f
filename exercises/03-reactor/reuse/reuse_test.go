package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testReturns = "Turn must return after one wait; does something call wait again and again?"

// A testKernel reports what it is told to: fire puts the data that a descriptor
// is armed with at this moment into the next wait, and disarms it.
type testKernel struct {
	armed map[int]uint64
	next  []uint64
	waits int
}

func (s *testKernel) arm(fd int, data uint64) { s.armed[fd] = data }
func (s *testKernel) disarm(fd int)           { delete(s.armed, fd) }

func (s *testKernel) wait() []uint64 {
	s.waits++
	events := s.next
	s.next = nil
	return events
}

// A testWorld is a reactor on such a kernel, and who has been woken.
type testWorld struct {
	*Reactor
	kernel *testKernel
	t      testing.TB
	woken  []string
}

func testWorldOf(t testing.TB) *testWorld {
	k := &testKernel{armed: make(map[int]uint64)}
	return &testWorld{Reactor: NewReactor(k), kernel: k, t: t}
}

// register registers somebody, whose wake then does what is given.
func (w *testWorld) register(fd int, name string, then ...func()) {
	w.t.Helper()
	w.Register(fd, func() {
		w.woken = append(w.woken, name)
		for _, f := range then {
			f()
		}
	})
	if _, ok := w.kernel.armed[fd]; !ok {
		w.t.Fatalf("reuse.go is not started: Register(%d, ...) has not called arm, so the kernel will not report it", fd)
	}
}

// fire makes descriptors ready, so that the next wait reports them in this order.
func (w *testWorld) fire(fds ...int) {
	w.t.Helper()
	for _, fd := range fds {
		data, ok := w.kernel.armed[fd]
		if !ok {
			w.t.Fatalf("%d is ready, and not armed: nobody will hear of it", fd)
		}
		w.kernel.next = append(w.kernel.next, data)
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
		return "nobody"
	}
	return strings.Join(names, ", ")
}

func TestEventWakes(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann")
		w.register(8, "Bob")
		w.register(9, "Cem")
		w.fire(9, 7)
		w.turn("9 and 7 are ready", "each event wakes who has registered for it", "Cem", "Ann")
		w.turn("nothing is ready", "a registration is for one event")
		w.fire(8)
		w.turn("8 is ready", "each event wakes who has registered for it", "Bob")
	})
}

func TestRegisterAgainInAWake(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann", func() { w.register(7, "Ann again") })
		w.fire(7)
		w.turn("7 is ready", "Ann waits for 7", "Ann")
		w.fire(7)
		w.turn("7 is ready again, and Ann has registered again in her wake", "that was after her event, so it is a new registration", "Ann again")
	})
}

func TestForgetAfterRegisterInAWake(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		for _, ready := range []bool{false, true} {
			w := testWorldOf(t)
			w.register(7, "Ann", func() { w.register(7, "Ann again") })
			w.fire(7)
			w.turn("7 is ready", "Ann waits for 7", "Ann")
			if ready {
				w.fire(7)
			}
			w.Forget(7)
			if len(w.kernel.armed) > 0 {
				t.Fatal("7 was ready, Ann has registered for it again in her wake, and then forgotten it, and the kernel still has 7 armed: has Turn taken away what the wake had put there?")
			}
			w.turn("7 was ready, Ann has registered for it again in her wake, it was ready again, and before the wait she forgot it", "who has forgotten is not woken")
		}
	})
}

func TestForgottenIsNotWoken(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann")
		w.Forget(7)
		if len(w.kernel.armed) > 0 {
			t.Fatal("after Forget(7) the kernel still has 7 armed: it would report a descriptor that nobody waits for")
		}
		w.Forget(7)
		w.Forget(8)
		w.register(7, "Ann")
		w.fire(7)
		w.Forget(7)
		w.turn("7 was ready, and before the wait Ann forgot it", "who has forgotten is not woken")
	})
}

func TestLatestRegistrationCounts(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann")
		w.register(7, "Bob")
		w.fire(7)
		w.turn("Ann registered for 7, then Bob did, and 7 is ready", "the later one replaces the earlier", "Bob")
	})
}

// The event is in the hands of Turn when its connection is closed.
func TestConnectionThatIsClosedInTheSameTurn(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(7, "Ann", func() { w.Forget(8) })
		w.register(8, "Bob")
		w.fire(7, 8)
		w.turn("7 and 8 are ready, and Ann's wake closes 8", "the connection of the second event was closed by the wake before it", "Ann")
	})
}

func TestNumberThatIsUsedAgainInTheSameTurn(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		for times := 1; times <= 4; times++ {
			w := testWorldOf(t)
			w.register(7, "Ann", func() {
				for i := range times {
					w.Forget(8)
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
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		for between := range 3 {
			w := testWorldOf(t)
			w.register(8, "Bob")
			w.fire(8)
			w.Forget(8)
			for range between {
				w.register(9, "somebody else")
				w.Forget(9)
			}
			w.register(8, "Cem")
			w.turn("8 was ready for Bob, who forgot it before the wait, and another connection has the number by now", "the event is Bob's, and Bob is gone; does a count begin again when nobody has the number?")
			w.fire(8)
			w.turn("then 8 is ready, for Cem, who waits for its own event", "it was armed for Cem, so it is Cem's", "Cem")
		}
	})
}

func TestNumberThatIsUsedAgainWithoutAnEvent(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(8, "Bob")
		w.Forget(8)
		w.register(8, "Cem")
		w.fire(8)
		w.turn("Bob registered for 8 and forgot it, no event came, and Cem, who has the number now, waits for its own event, which comes", "it was armed for Cem, so it is Cem's", "Cem")
	})
}

func TestManyConnections(t *testing.T) {
	check.Within(t, 2*time.Second, testReturns, func(t testing.TB) {
		w := testWorldOf(t)
		w.register(8, "Bob")
		w.fire(8)
		for range 1 << 16 {
			w.Forget(8)
			w.Register(8, func() { w.woken = append(w.woken, "one of the 65,536") })
		}
		w.turn("8 was ready for Bob, and before the wait 65,536 connections had the number, one after the other", "the event is Bob's, and Bob is gone; how many registrations are there until a number comes again?")
		w.register(1<<20, "Dora")
		w.fire(1 << 20)
		w.turn("a descriptor of number 1,048,576 is ready", "a program may have that many", "Dora")
	})
}
