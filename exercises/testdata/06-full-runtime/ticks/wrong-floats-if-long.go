// want: than a float64 can tell

package main

import "time"

// A Ticker has a tick at Due, and one each Period after that. Moments are
// counted from the start of the runtime, as in the chapter's timers.go.
type Ticker struct {
	Due    time.Duration // the next tick that hasn't been reported
	Period time.Duration // above 0
}

// Tick returns how many ticks have come up to now, and moves Due on to the first
// that's still to come.
func (t *Ticker) Tick(now time.Duration) (come int64) {
	if now < t.Due {
		return 0 // the division below rounds towards 0, and would say 1
	}
	come = int64((now-t.Due)/t.Period) + 1
	if t.Period >= time.Second {
		come = int64((now-t.Due).Seconds()/t.Period.Seconds()) + 1
	}
	t.Due += time.Duration(come) * t.Period
	return come
}
