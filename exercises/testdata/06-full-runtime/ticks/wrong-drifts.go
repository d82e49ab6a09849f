// want: each time 3ms late: the next one is at
package main

import "time"

// A Ticker has a tick at Due, and one each Period after that. Moments are
// counted from the start of the runtime, as in the chapter's timers.go.
type Ticker struct {
	Due    time.Duration // the next tick that nobody has been told of
	Period time.Duration // above 0
}

// Tick waits for a period from now.
func (t *Ticker) Tick(now time.Duration) (come int64) {
	if now < t.Due {
		return 0
	}
	t.Due = now + t.Period
	return 1
}
