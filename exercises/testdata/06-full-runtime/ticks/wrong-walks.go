// want: still waiting after 2s: Tick must answer at once
package main

import "time"

// A Ticker has a tick at Due, and one each Period after that. Moments are
// counted from the start of the runtime, as in the chapter's timers.go.
type Ticker struct {
	Due    time.Duration // the next tick that nobody has been told of
	Period time.Duration // above 0
}

// Tick walks from tick to tick.
func (t *Ticker) Tick(now time.Duration) (come int64) {
	for t.Due <= now {
		t.Due += t.Period
		come++
	}
	return come
}
