package main

// A Case is one thing that may happen, such as a receive from a channel. It may
// become possible or impossible at any moment, by another goroutine.
type Case interface {
	// Try makes it happen, if it's possible now, and reports whether it did.
	Try() bool
	// Register has w woken when the case becomes possible from now on. It doesn't
	// tell of what is possible already. leave ends the registration.
	Register(w Waker) (leave func())
}

// Select is ready with the index of the one case that has happened. A case that's
// nil never happens.
func Select(cases ...Case) Future[int] { return &selecting{cases: cases} }

// You may add fields.
type selecting struct {
	cases []Case
}

// Poll is yours to write.
func (s *selecting) Poll(cx *Context) (int, bool) {
	return 0, false // not started
}

// Close is yours to write.
func (s *selecting) Close() error { return nil }
