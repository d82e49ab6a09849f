package main

import "time"

// Sleep returns a future that is ready d after its first Poll. It needs no
// descriptor, because one of Go's timers calls Wake, on another goroutine.
func Sleep(d time.Duration) Future[struct{}] { return &sleep{d: d} }

type sleep struct {
	d        time.Duration
	deadline time.Time   // set by the first Poll
	timer    *time.Timer // set by each Poll that returns false
	finished bool        // has been ready, or was closed
}

func (s *sleep) Poll(cx *Context) (struct{}, bool) {
	if s.finished {
		panic("Sleep polled after it finished")
	}
	if s.timer == nil { // the first poll: each later one finds a timer
		s.deadline = time.Now().Add(s.d)
	} else {
		s.timer.Stop() // it would call the waker of an earlier poll
	}
	left := time.Until(s.deadline)
	s.finished = left <= 0
	if !s.finished {
		s.timer = time.AfterFunc(left, cx.Waker().Wake)
	}
	return struct{}{}, s.finished
}

// Close stops the timer.
func (s *sleep) Close() error {
	s.finished = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return nil
}
