// want: does the number fit
package main

// A Launch is a leaf that counts down, one for each Poll, and can be put on hold.
type Launch struct {
	left int32 // how many polls still say "not yet", if it isn't on hold
	held bool
}

// NewLaunch returns a launch that is pending for n polls.
func NewLaunch(n int) *Launch { return &Launch{left: int32(n)} }

// Hold stops the count.
func (l *Launch) Hold() { l.held = true }

// Release lets the count go on where it was.
func (l *Launch) Release() { l.held = false }

// Poll has a pointer receiver, because it counts.
func (l *Launch) Poll(*Context) (string, bool) {
	if l.held {
		return "", false
	}
	if l.left > 0 {
		l.left--
		return "", false
	}
	return "liftoff", true
}
