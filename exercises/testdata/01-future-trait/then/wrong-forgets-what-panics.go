// want: such a future hasn't finished
package main

// Chained is the future that Then makes.
type Chained[A, B any] struct {
	first  Future[A] // nil once it has finished
	next   func(A) Future[B]
	second Future[B] // nil before that
}

// Then is a future that waits for f, then for the future that next makes of
// its value, and yields the value of that second future.
func Then[A, B any](f Future[A], next func(A) Future[B]) *Chained[A, B] {
	return &Chained[A, B]{first: f, next: next}
}

func (c *Chained[A, B]) Poll(cx *Context) (value B, ready bool) {
	if c.first != nil {
		first := c.first
		c.first = nil // before next: if that panics, a Close finds nothing that has finished
		a, ready := first.Poll(cx)
		if !ready {
			c.first = first
			return value, false
		}
		c.second = c.next(a)
	}
	return c.second.Poll(cx) // also in the poll in which it was made
}

// Close closes the future that's under way, unless it did that before.
func (c *Chained[A, B]) Close() error {
	first, second := c.first, c.second
	c.first, c.second = nil, nil
	if first != nil {
		return Close(first)
	}
	return Close(second)
}
