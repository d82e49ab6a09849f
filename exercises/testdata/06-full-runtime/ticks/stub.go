package main

import "time"

// A Ticker has a tick at Due, and one each Period after that. Moments are
// counted from the start of the runtime, as in the chapter's timers.go.
type Ticker struct {
	Due    time.Duration // the next tick that hasn't been reported
	Period time.Duration // above 0
}

// Tick returns how many ticks have come up to now, and moves Due on to the first
// that's still to come. It's yours to write.
func (t *Ticker) Tick(now time.Duration) (come int64) {
	return 0 // not started
}
