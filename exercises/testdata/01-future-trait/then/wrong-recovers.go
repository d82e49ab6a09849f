// want: next called runtime.Goexit
package main

// Chained is the future that Then makes.
type Chained[A, B any] struct {
	first  Future[A]
	next   func(A) Future[B]
	second Future[B]
}

// Then waits for f, and then for the future that next makes of its value.
func Then[A, B any](f Future[A], next func(A) Future[B]) *Chained[A, B] {
	return &Chained[A, B]{first: f, next: next}
}

func (c *Chained[A, B]) Poll(cx *Context) (value B, ready bool) {
	if c.second == nil {
		v, ok := c.first.Poll(cx)
		if !ok {
			return value, false
		}
		c.move(v)
	}
	return c.second.Poll(cx)
}

func (c *Chained[A, B]) move(v A) {
	defer func() {
		if r := recover(); r != nil {
			c.first = nil
			panic(r)
		}
	}()
	c.second = c.next(v)
	c.first = nil
}

func (c *Chained[A, B]) Close() error {
	var held any = c.second
	if c.first != nil {
		held = c.first
	}
	c.first, c.second = nil, nil
	return Close(held)
}
