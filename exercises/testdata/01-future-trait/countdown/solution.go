package main

// Ready is a leaf whose value is there already.
type Ready[T any] struct {
	Value T
}

func (r *Ready[T]) Poll(*Context) (T, bool) { return r.Value, true }

// Countdown is a leaf that is pending for Left polls.
type Countdown struct {
	Left  int
	Value string
}

func (c *Countdown) Poll(*Context) (string, bool) {
	if c.Left > 0 {
		c.Left--
		return "", false
	}
	return c.Value, true
}
