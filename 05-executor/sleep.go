package main

import "time"

// Sleep is ready when its time has passed. It needs no descriptor: a Go timer,
// on a goroutine of its own, calls Wake.
type Sleep struct {
	d        time.Duration
	deadline time.Time // zero before the first Poll
	timer    *time.Timer
	finished bool
}

// NewSleep makes a future that is ready d after its first Poll.
func NewSleep(d time.Duration) *Sleep { return &Sleep{d: d} }

func (s *Sleep) Poll(cx *Context) (struct{}, bool) {
	if s.finished {
		panic("Sleep polled after it finished")
	}
	if s.deadline.IsZero() {
		s.deadline = time.Now().Add(s.d)
	}
	s.Close() // for now: the timer of an earlier poll would wake that poll's waker
	left := time.Until(s.deadline)
	if s.finished = left <= 0; !s.finished {
		s.timer = time.AfterFunc(left, cx.Waker().Wake)
	}
	return struct{}{}, s.finished
}

// Close stops the timer.
func (s *Sleep) Close() error {
	s.finished = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return nil
}
