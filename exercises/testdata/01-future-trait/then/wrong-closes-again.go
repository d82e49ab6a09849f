// want: closed twice
package main

type Chained[A, B any] struct {
	first  Future[A]
	next   func(A) Future[B]
	second Future[B]
}

func Then[A, B any](f Future[A], next func(A) Future[B]) *Chained[A, B] {
	return &Chained[A, B]{first: f, next: next}
}

func (c *Chained[A, B]) Poll(cx *Context) (value B, ready bool) {
	if c.first != nil {
		a, ok := c.first.Poll(cx)
		if !ok {
			return value, false
		}
		c.first, c.second = nil, c.next(a)
	}
	return c.second.Poll(cx)
}

// Close called twice closes the future twice.
func (c *Chained[A, B]) Close() error {
	if c.first != nil {
		return Close(c.first)
	}
	return Close(c.second)
}
