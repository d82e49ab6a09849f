package main

import "testing"

// watched is a reactor for what runs within a time limit.
func watched(t *testing.T) *Reactor {
	t.Helper()
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() { // else it may be stuck
			within(t, "Close", func() { r.Close() })
		}
	})
	return r
}

// idleReactor is one whose goroutine does not run: the test itself waits.
func idleReactor(t *testing.T) *Reactor {
	return &Reactor{queue: openTestQueue(t), waiting: make(map[int]waiters)}
}

func contextOf(r *Reactor) *Context { return &Context{waker: NewParker(), reactor: r} }

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return contextOf(watched(t)) }

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, each as a task of its own.
func runAll[T any](t *testing.T, futures ...Future[T]) []T {
	t.Helper()
	e, values := NewExecutor(watched(t)), make([]T, len(futures))
	for i, f := range futures {
		Spawn(e, into[T]{f, &values[i]})
	}
	within(t, "Run", e.Run)
	return values
}
