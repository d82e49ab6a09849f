package main

import "time"

// Timers knows who is to be woken when. Its zero value has no timers. One
// goroutine, the executor's, calls its methods, and is in them when it calls
// Wake; so it needs no lock. A moment is a time since the start of the runtime.
type Timers struct{}

// Timer is one entry, so that Stop can find it.
type Timer struct{}

// Start makes the first Fire at the deadline or after it wake w, once. It is
// yours to write.
func (ts *Timers) Start(deadline time.Duration, w Waker) *Timer {
	return &Timer{} // not started
}

// Stop makes t wake nobody any more, and takes it out at once. It is yours to
// write.
func (ts *Timers) Stop(t *Timer) {}

// Len says how many there are that have not fired and were not stopped. It is
// yours to write.
func (ts *Timers) Len() int { return 0 }

// Wait says for how many milliseconds the executor may sleep in the kernel, if
// nothing else happens. Less than 0 is for ever. It is yours to write.
func (ts *Timers) Wait(now time.Duration) int { return 0 }

// Fire wakes those whose deadline has come. It is yours to write.
func (ts *Timers) Fire(now time.Duration) {}
