package main

import "testing"

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return &Context{waker: NewParker(), reactor: openReactor(t)} }

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, beside each other.
func runAll[T any](t *testing.T, futures ...Future[T]) (values []T) {
	t.Helper()
	r := openReactor(t)
	within(t, "BlockOn", func() { values = BlockOn(r, JoinAll(futures...)) })
	return values
}
