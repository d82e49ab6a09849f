// Where a comment says "Property 5", .github/CONTRIBUTING.md has the whole sentence.

package main

import "testing"

// runOne runs f until it's ready, and returns its value.
func runOne[T any](t *testing.T, f Future[T]) (value T) {
	t.Helper()
	for range 1000 {
		if value, ready := f.Poll(new(Context)); ready {
			return value
		}
	}
	t.Fatal("the future is still pending after 1,000 polls")
	return value
}
