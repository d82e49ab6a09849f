package main

import "time"

// Sleep is ready d after its first Poll, or at once if d isn't positive.
func Sleep(d time.Duration) Future[struct{}] { return &sleep{d: d} }

type sleep struct {
	d      time.Duration
	timer  timer
	timers *timers // nil before the first Poll
	done   bool
}

func (s *sleep) Poll(cx *Context) (struct{}, bool) {
	switch {
	case s.done:
		panic("Sleep polled after it finished")
	case s.d <= 0, s.timers != nil && s.timer.waker == nil: // it has fired
		s.done = true
		return struct{}{}, true
	case s.timers == nil:
		s.timers = cx.timers()
		s.timers.add(&s.timer, s.timers.after(s.d), cx.waker)
	default:
		s.timer.waker = cx.waker
	}
	cx.waitsFor("a timer")
	return struct{}{}, false
}

// Close stops the timer.
func (s *sleep) Close() error {
	if s.timers != nil {
		s.timers.remove(&s.timer)
	}
	s.done = true
	return nil
}

// Yield is a future that is pending once, so that other tasks have a turn.
func Yield() Future[struct{}] { return new(yield) }

type yield struct{ yielded bool }

func (y *yield) Poll(cx *Context) (struct{}, bool) {
	if y.yielded {
		return struct{}{}, true
	}
	y.yielded = true
	wakeLocal(cx.waker) // queued last
	return struct{}{}, false
}
