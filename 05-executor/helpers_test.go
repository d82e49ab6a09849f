package main

import "testing"

// idleReactor is one whose goroutine does not run: the test itself waits.
func idleReactor(t *testing.T) *Reactor {
	return &Reactor{queue: openTestQueue(t), waiting: make(map[int]waiters)}
}

func contextOf(r *Reactor) *Context { return &Context{waker: NewParker(), reactor: r} }

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return contextOf(openReactor(t)) }

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, each as a task of its own.
func runAll[T any](t *testing.T, futures ...Future[T]) []T {
	t.Helper()
	e, values := NewExecutor(openReactor(t)), make([]T, len(futures))
	for i, f := range futures {
		Spawn(e, into[T]{f, &values[i]})
	}
	within(t, "Run", e.Run)
	return values
}
