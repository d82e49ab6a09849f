// want: panics, after .*; then the Select was closed, and . has 1 registration
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
	leaves []func() // of the registrations
}

func (s *selecting) Poll(cx *Context) (int, bool) {
	s.Close() // those of the poll before wake another waker, perhaps
	if i, happened := s.try(); happened {
		return i, true
	}
	var leaves []func()
	for _, c := range s.cases {
		if c != nil {
			leaves = append(leaves, c.Register(cx.Waker()))
		}
	}
	i, happened := s.try() // for what became possible before we were registered
	s.leaves = leaves
	if happened {
		s.Close()
	}
	return i, happened
}

// try tries the cases in a random order, until one has happened.
func (s *selecting) try() (int, bool) {
	for _, i := range rand.Perm(len(s.cases)) {
		if c := s.cases[i]; c != nil && c.Try() {
			return i, true
		}
	}
	return 0, false
}

// Close ends all registrations.
func (s *selecting) Close() error {
	leaves := s.leaves
	s.leaves = nil
	for _, leave := range leaves {
		leave()
	}
	return nil
}
