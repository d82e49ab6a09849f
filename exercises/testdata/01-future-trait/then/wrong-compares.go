// want: which future it has
package main

// Chained is the future that Then makes.
type Chained[A, B any] struct {
	first Future[A]
	next  func(A) Future[B]
	now   any // what's under way
}

// Then waits for f, and then for the future that next makes of its value.
func Then[A, B any](f Future[A], next func(A) Future[B]) *Chained[A, B] {
	return &Chained[A, B]{first: f, next: next, now: f}
}

func (c *Chained[A, B]) Poll(cx *Context) (value B, ready bool) {
	if c.now == any(c.first) {
		v, ok := c.first.Poll(cx)
		if !ok {
			return value, false
		}
		c.now = nil
		c.now = c.next(v)
	}
	return c.now.(Future[B]).Poll(cx)
}

func (c *Chained[A, B]) Close() error {
	now := c.now
	c.now = nil
	return Close(now)
}
