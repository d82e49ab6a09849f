package main

import "testing"

// newContext is for tests that poll by hand.
func newContext(*testing.T) *Context { return new(Context) }

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, beside each other.
func runAll[T any](t *testing.T, futures ...Future[T]) (values []T) {
	t.Helper()
	within(t, "BlockOn", func() { values = BlockOn(JoinAll(futures...)) })
	return values
}
