// want: gave "tea", false at poll 1
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

// Poll hands out the value before its time.
func (c *Countdown) Poll(*Context) (string, bool) {
	c.Left--
	return c.Value, c.Left < 0
}
