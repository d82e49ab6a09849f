package main

import "time"

// Sleep is ready d after its first Poll, or at its first Poll if d is zero or
// less.
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
	case s.d <= 0:
		s.done = true
	case s.timers == nil:
		s.timers = cx.timers()
		s.timers.add(&s.timer, s.timers.after(s.d), cx.waker)
	case s.timer.waker == nil: // it has fired
		s.done = true
	default:
		s.timer.waker = cx.waker
	}
	if !s.done {
		cx.waitsFor("a timer")
	}
	return struct{}{}, s.done
}

// Close stops the timer.
func (s *sleep) Close() error {
	if s.timers != nil {
		s.timers.remove(&s.timer)
	}
	s.done = true
	return nil
}
