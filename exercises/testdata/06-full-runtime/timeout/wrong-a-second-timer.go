// want: is the first one forgotten in there

package main

import (
	"errors"
	"time"
)

// Context stands in for the chapter's: there are no descriptors, but timers.
type Context struct {
	waker  Waker
	timers timers
}

// Waker returns what asks for another poll of the task. Only that of the latest
// Poll counts.
func (cx *Context) Waker() Waker { return cx.waker }

// timers is the runtime's heap of timers, as a future sees it.
type timers interface {
	// now is the time since the runtime was made.
	now() time.Duration
	// start makes a timer that fires when d has passed, and wakes w then.
	start(d time.Duration, w Waker) timer
}

// A timer is in the heap until it fires or is stopped.
type timer interface {
	// fired reports whether it has fired. A Poll may come when its time has passed
	// and the executor hasn't come to its timers yet.
	fired() bool
	// setWaker makes it wake w instead of the waker that it was to wake before.
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
	future Future[T]
	d      time.Duration
	heard  time.Duration // when something was last heard
	timer  timer         // nil before the first Poll
	since  time.Duration // when the timer was started
	length time.Duration // of the timer
	begun  bool
	over   bool
}

// Timeout is ready with the value of f, or with ErrTimeout if nothing has been
// heard for d.
func Timeout[T any](f Future[T], d time.Duration) *TimedOut[T] {
	return &TimedOut[T]{future: f, d: d}
}

// Extend says that something was heard: the time counts from now on.
func (t *TimedOut[T]) Extend(cx *Context) {
	if t.begun && !t.over {
		t.heard = cx.timers.now()
	}
}

func (t *TimedOut[T]) Poll(cx *Context) (Result[T], bool) {
	value, ready := t.future.Poll(cx)
	if ready {
		t.end()
		return Result[T]{Value: value}, true
	}
	now := cx.timers.now()
	if !t.begun {
		t.begun = true
		t.heard = now
	}
	left := t.d - (now - t.heard)
	if left <= 0 {
		t.Close()
		return Result[T]{Err: ErrTimeout}, true
	}
	if t.timer == nil || now-t.since >= t.length { // its time has passed
		t.timer = cx.timers.start(left, cx.Waker())
		t.since, t.length = now, left
	} else {
		t.timer.setWaker(cx.Waker())
	}
	return Result[T]{}, false
}

// end stops the timer.
func (t *TimedOut[T]) end() {
	t.over = true
	if t.timer != nil {
		t.timer.stop()
	}
}

// Close abandons the future and stops the timer.
func (t *TimedOut[T]) Close() error {
	if t.over {
		return nil
	}
	t.end()
	return Close(t.future)
}
