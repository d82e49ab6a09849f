package main

import "time"

// Timers knows which wakers to call, and when. Its zero value has no timers. One
// goroutine, the executor's, calls its methods, and is in them when it calls
// Wake, so they need no lock. A moment is a time since the start of the runtime.
type Timers struct{}

// Timer is one entry, so that Stop can find it.
type Timer struct{}

// Start makes the first Fire at the deadline or after it wake w, once. It's
// yours to write.
func (ts *Timers) Start(deadline time.Duration, w Waker) *Timer {
	return &Timer{} // not started
}

// Stop makes sure that t doesn't wake anymore, and takes it out at once. It's
// yours to write.
func (ts *Timers) Stop(t *Timer) {}

// Len returns how many there are that haven't fired and weren't stopped. It's
// yours to write.
func (ts *Timers) Len() int { return 0 }

// Wait returns for how many milliseconds the executor may sleep in the kernel, if
// nothing else happens. Less than 0 is forever. It's yours to write.
func (ts *Timers) Wait(now time.Duration) int { return 0 }

// Fire calls the wakers whose deadline has come. It's yours to write.
func (ts *Timers) Fire(now time.Duration) {}
