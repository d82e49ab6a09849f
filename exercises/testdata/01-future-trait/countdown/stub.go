package main

// Ready is a leaf whose value is there already.
type Ready[T any] struct {
	Value T
}

// Poll is yours to write.
func (r *Ready[T]) Poll(*Context) (value T, ready bool) {
	return value, false // not started
}

// Countdown is a leaf that is pending for Left polls.
type Countdown struct {
	Left  int
	Value string
}

// Poll is yours to write.
func (c *Countdown) Poll(*Context) (value string, ready bool) {
	return "", false // not started
}
