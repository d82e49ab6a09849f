package main

import "time"

// Sleep is ready when its time has passed.
type Sleep struct {
	d       time.Duration
	timer   timer
	runtime *Runtime // nil before the first Poll
	done    bool
}

// NewSleep makes a future that is ready d after its first Poll, and at its
// first Poll if d is zero or less.
func NewSleep(d time.Duration) *Sleep { return &Sleep{d: d} }

func (s *Sleep) Poll(cx *Context) (struct{}, bool) {
	switch {
	case s.done:
		panic("Sleep polled after it finished")
	case s.d <= 0 || s.runtime != nil && s.timer.waker == nil: // it has fired
		s.done = true
	case s.runtime == nil:
		s.runtime = cx.task.runtime
		s.runtime.timers.add(&s.timer, s.d, cx.waker)
	default:
		s.timer.waker = cx.waker
	}
	return struct{}{}, s.done
}

// Close stops the timer.
func (s *Sleep) Close() error {
	if s.runtime != nil && !s.done {
		s.runtime.timers.remove(&s.timer)
	}
	s.done = true
	return nil
}
