package main

// A Launch is a leaf that counts down, one for each Poll, and can be put on hold.
// Its fields are yours to choose.
type Launch struct{}

// NewLaunch returns a launch that is pending for n polls.
func NewLaunch(n int) *Launch { return new(Launch) }

// Hold stops the count. It's yours to write, and so is Release.
func (l *Launch) Hold() {}

// Release lets the count go on where it was.
func (l *Launch) Release() {}

// Poll is yours to write: it yields "liftoff".
func (l *Launch) Poll(*Context) (string, bool) {
	return "not started", false // not started
}
