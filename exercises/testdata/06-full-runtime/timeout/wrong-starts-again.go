// want: is polled each minute, and after 1h1m0s it is still pending
package main

import (
	"errors"
	"time"
)

// Context is what a future may ask of whoever polls it. It is smaller than the
// chapter's: there are no descriptors, but timers.
type Context struct {
	waker  Waker
	timers timers
}

// Waker returns what asks for another poll of the future that is polled with
// cx, at each Poll anew: only the latest counts.
func (cx *Context) Waker() Waker { return cx.waker }

// timers is the runtime's heap of timers, as a future sees it.
type timers interface {
	// start makes a timer that fires when d has passed. It wakes w then.
	start(d time.Duration, w Waker) timer
}

// A timer is in the heap until it fires or is stopped.
type timer interface {
	// fired says whether its time has passed.
	fired() bool
	// setWaker makes it wake w, and not whoever it was to wake before.
	setWaker(w Waker)
	// stop takes it out of the heap. If it has fired, that does no harm.
	stop()
}

// Result is what a Timeout yields: the value, or ErrTimeout.
type Result[T any] struct {
	Value T
	Err   error
}

// ErrTimeout is the error of a Timeout whose time has passed.
var ErrTimeout = errors.New("timeout")

// TimedOut is the future that Timeout makes.
type TimedOut[T any] struct {
	future Future[T] // nil when it is over
	d      time.Duration
	timer  timer // of the latest Poll
}

// Timeout is ready with the value of f, or with ErrTimeout if f is not ready d
// after the first Poll.
func Timeout[T any](f Future[T], d time.Duration) *TimedOut[T] {
	return &TimedOut[T]{future: f, d: d}
}

func (t *TimedOut[T]) Poll(cx *Context) (Result[T], bool) {
	if value, ready := t.future.Poll(cx); ready { // asked first: a value that is there counts
		t.future = nil
		t.Close()
		return Result[T]{Value: value}, true
	}
	if t.d <= 0 || t.timer != nil && t.timer.fired() {
		t.Close()
		return Result[T]{Err: ErrTimeout}, true
	}
	if t.timer != nil {
		t.timer.stop() // it would wake whoever polled before
	}
	t.timer = cx.timers.start(t.d, cx.Waker())
	return Result[T]{}, false
}

// Close abandons the future and stops the timer.
func (t *TimedOut[T]) Close() error {
	f := t.future
	t.future = nil
	if t.timer != nil {
		t.timer.stop()
	}
	return Close(f)
}
