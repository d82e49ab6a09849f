// want: which is news once, and not four times
package main

import "time"

// A Ticker has a tick at Due, and one each Period after that. Moments are
// counted from the start of the runtime, as in the chapter's timers.go.
type Ticker struct {
	Due    time.Duration // the next tick that nobody has been told of
	Period time.Duration // above 0
}

// Tick tells of one tick. If more have come, Due has passed, and it is called
// again at once.
func (t *Ticker) Tick(now time.Duration) (come int64) {
	if now < t.Due {
		return 0
	}
	t.Due += t.Period
	return 1
}
