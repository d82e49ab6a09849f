// want: none has come, and asking too early changes nothing
package main

import "time"

// A Ticker has a tick at Due, and one each Period after that. Moments are
// counted from the start of the runtime, as in the chapter's timers.go.
type Ticker struct {
	Due    time.Duration // the next tick that nobody has been told of
	Period time.Duration // above 0
}

// Tick is called when its timer has fired: so at least one has come.
func (t *Ticker) Tick(now time.Duration) (come int64) {
	come = int64((now-t.Due)/t.Period) + 1
	t.Due += time.Duration(come) * t.Period
	return come
}
