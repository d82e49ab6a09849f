package main

// Chained is the future that Then makes. You may add fields.
type Chained[A, B any] struct {
	first Future[A]
	next  func(A) Future[B]
}

// Then is a future that waits for f, then for the future that next makes of
// its value, and yields the value of that second future.
func Then[A, B any](f Future[A], next func(A) Future[B]) *Chained[A, B] {
	return &Chained[A, B]{first: f, next: next}
}

// Poll is yours to write.
func (c *Chained[A, B]) Poll(cx *Context) (value B, ready bool) {
	return value, false // not started
}

// Close is yours to write.
func (c *Chained[A, B]) Close() error {
	return nil
}
