package main

import (
	"testing"
	"time"
)

// Many connections, and other grace periods.
func TestManyConnections(t *testing.T) {
	for i, n := range []int{1, 63, 64, 65, 256, 257} {
		grace := []time.Duration{1, time.Millisecond, 7 * time.Second, 25 * time.Hour}[i%4]
		testWithin(t, func(w *testWorld) {
			w.run(func(co *Co) {
				for range n {
					w.connect("Ann, who is idle,", "", 0)
					w.connect("Bob, whose request takes too long,", "long", 100*time.Hour)
				}
				testPause(co, time.Minute)
				w.drain = w.server.Drain(grace)
			})
			w.wantDrained(n, grace)
		})
	}
}

// The future waits for its first poll, and so does the grace period.
func TestGracePeriodBeginsAtTheFirstPoll(t *testing.T) {
	for _, later := range []time.Duration{4 * time.Minute, time.Hour} {
		testWithin(t, func(w *testWorld) {
			var ann *testConn
			w.run(func(co *Co) {
				w.drain = w.server.Drain(testGrace)
				testPause(co, later)
				ann = w.connect("Ann", "hello", testGrace-time.Minute)
				w.connect("Bob", "long", 100*time.Hour)
				testPause(co, time.Second)
			})
			w.wantAnswered(ann, "Drain was polled for the first time long after it was called, and the grace period begins then: what do you do when it's only called?", "hello")
			w.wantDrained(1, testGrace)
		})
	}
}

// Each client has sent a second request behind the first. Whether that's answered
// is left to you, and so is the number of those that are cut off.
func TestSecondRequestHasNoGracePeriodOfItsOwn(t *testing.T) {
	for _, second := range []time.Duration{8 * time.Minute, 100 * time.Hour} {
		testWithin(t, func(w *testWorld) {
			w.run(func(co *Co) {
				ann := w.connect("Ann, who has sent two requests,", "one", 5*time.Minute)
				w.connect("Bob", "long", 100*time.Hour)
				testPause(co, time.Minute)
				ann.send("two", true)
				Spawn(co.cx, Async(func(co *Co) struct{} {
					testPause(co, 3*time.Minute+1)
					ann.takes = second
					return struct{}{}
				}))
			})
			if w.took != testGrace {
				w.t.Fatalf("a second request was there behind one that was under way, and Drain was ready after %v, want %v: if you answer it, then in the same grace period, which is the same for all", w.took, testGrace)
			}
			w.wantDrained(max(1, min(w.cut, 2)), testGrace)
		})
	}
}

// The task of a connection has more than one way out.
func TestNextThatPanics(t *testing.T) {
	for _, draining := range []bool{false, true} {
		testWithin(t, func(w *testWorld) {
			var ann, bob *testConn
			w.run(func(co *Co) {
				ann = w.connect("Ann, whose Next panics,", "one", time.Minute)
				bob = w.connect("Bob", "two", 5*time.Minute)
				testPause(co, 2*time.Minute)
				ann.broken = true
				if !draining {
					wakeLocal(ann.reads)
					testPause(co, time.Minute)
				}
			})
			w.wantAnswered(bob, "it was under way, and another connection's Next has panicked", "two")
			if ann.closed == 0 {
				w.t.Fatal("a Next has panicked, so its task has ended by itself, and Drain is ready, but the connection is still open: what closes it on this way out?")
			}
			took := 3 * time.Minute
			if !draining {
				took = 2 * time.Minute
			}
			w.wantDrained(0, took)
		})
	}
}
