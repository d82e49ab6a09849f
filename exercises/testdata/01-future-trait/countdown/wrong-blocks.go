// want: was ready at poll 1, it must be pending for two polls
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

// Poll counts down to the end: everybody else waits meanwhile.
func (c *Countdown) Poll(*Context) (string, bool) {
	for c.Left > 0 {
		c.Left--
	}
	return c.Value, true
}
