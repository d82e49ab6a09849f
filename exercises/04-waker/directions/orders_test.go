package main

import (
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

// A testScenario has a table in which the reader and the writer wait for 7.
func testScenario(story string, meanwhile func(w *testOrdered)) order.Scenario {
	return order.Scenario{Story: "the reader and the writer wait for 7, and it's readable; " + story, Run: func(s *order.Schedule) {
		w := &testOrdered{s: s, poller: &testPoller{armed: make(map[int]directions)}, waits: make(map[direction]*order.Waker)}
		w.Table = NewTable(w.poller, new(order.Mutex))
		w.register(readable, "the reader's waker")
		w.register(writable, "the writer's waker")
		w.poller.s = s
		s.Go("reactor", func() { w.Deliver(7, testToRead) })
		s.Go("other", func() { meanwhile(w) })
		s.Finally(w.check)
	}}
}

type testOrdered struct {
	*Table
	s      *order.Schedule
	poller *testPoller
	waits  map[direction]*order.Waker // the latest of each direction; nil if it was deregistered
}

func (w *testOrdered) register(dir direction, name string) {
	waker := w.s.Waker()
	waker.Name = name
	w.waits[dir] = waker
	if err := w.Register(7, dir, waker); err != nil {
		w.s.Fatalf("Register returned the error %v, and arm didn't refuse", err)
	}
}

// check wants 7 to be armed for those that wait, and for nothing else.
func (w *testOrdered) check() {
	var want directions
	for dir, waker := range w.waits {
		want[dir] = waker != nil && waker.Count == 0
		if waker != nil && waker.Count > 1 {
			w.s.Fatalf("%s was called %d times", waker.Name, waker.Count)
		}
	}
	if got := w.poller.armed[7]; got != want {
		w.s.Fatalf("in the end 7 is armed for %s, and the tasks that weren't woken wait for %s: the latest arm must know the latest waiters", testTold(got), testTold(want))
	}
	w.poller.s = nil
	for dir, waker := range w.waits {
		if want[dir] {
			var ready directions
			ready[dir] = true
			w.Deliver(7, ready)
			if waker.Count != 1 {
				w.s.Fatalf("at last 7 is ready for %s, and %s is not woken: it's been lost", testTold(ready), waker.Name)
			}
		}
	}
}

// All orders of a Deliver and what another goroutine does.
func TestEveryOrder(t *testing.T) {
	order.All(t, "directions.go", testSource,
		testScenario("meanwhile, a new reader registers", func(w *testOrdered) { w.register(readable, "the new reader's waker") }),
		testScenario("meanwhile, a new writer registers", func(w *testOrdered) { w.register(writable, "the new writer's waker") }),
		testScenario("meanwhile, the writer is deregistered", func(w *testOrdered) {
			w.Deregister(7, writable)
			w.waits[writable] = nil
		}),
	)
}
