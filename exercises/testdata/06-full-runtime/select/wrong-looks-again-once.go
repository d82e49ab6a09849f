// want: the steps of Poll number 2 are

package main

import "math/rand/v2"

// A Case is one thing that may happen, such as a receive from a channel. It may
// become possible or impossible at any moment, by another goroutine.
type Case interface {
	// Try makes it happen, if it's possible now, and reports whether it did.
	Try() bool
	// Register has w woken when the case becomes possible from now on. It doesn't
	// tell of what is possible already. leave ends the registration.
	Register(w Waker) (leave func())
}

// Select is ready with the index of the one case that has happened. A case that's
// nil never happens.
func Select(cases ...Case) Future[int] { return &selecting{cases: cases} }

type selecting struct {
	cases  []Case
	leaves []func() // the registrations
	polled bool
}

func (s *selecting) Poll(cx *Context) (int, bool) {
	s.leave()
	if i, ok := s.try(); ok {
		return i, true
	}
	s.register(cx.Waker())
	if !s.polled { // it may have become possible before its registration
		s.polled = true
		if i, ok := s.try(); ok {
			s.leave()
			return i, true
		}
	}
	return 0, false
}

// try makes one case happen, if one is possible.
func (s *selecting) try() (int, bool) {
	for _, i := range rand.Perm(len(s.cases)) {
		if c := s.cases[i]; c != nil && c.Try() {
			return i, true
		}
	}
	return 0, false
}

func (s *selecting) register(w Waker) {
	for _, c := range s.cases {
		if c != nil {
			s.leaves = append(s.leaves, c.Register(w))
		}
	}
}

// leave ends all registrations.
func (s *selecting) leave() {
	leaves := s.leaves
	s.leaves = nil
	for _, leave := range leaves {
		leave()
	}
}

func (s *selecting) Close() error {
	s.leave()
	return nil
}
