package main

import "testing"

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) (value T) {
	t.Helper()
	for range 1000 {
		if value, ready := f.Poll(new(Context)); ready {
			return value
		}
	}
	t.Fatal("still pending after 1000 polls")
	return value
}
