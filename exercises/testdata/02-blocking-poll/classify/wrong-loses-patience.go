// want: in a row
package main

import (
	"golang.org/x/sys/unix"
)

// A verdict is what an answer of the kernel means to the caller.
type verdict string

const (
	goOn     verdict = "go on"     // bytes were read
	ended    verdict = "ended"     // the other side has finished
	notNow   verdict = "not now"   // return false, and ask again later
	askAgain verdict = "ask again" // nothing was done; call again at once
	failed   verdict = "failed"    // an error like any other
)

var silence int // how often in a row nothing had come

// classify says what an answer of unix.Read means. The buffer wasn't empty.
func classify(n int, err error) verdict {
	if err == unix.EAGAIN {
		if silence++; silence < 1000 {
			return notNow
		}
		return failed // nobody is there
	}
	silence = 0
	switch {
	case err == unix.EINTR:
		return askAgain
	case err != nil:
		return failed
	case n == 0:
		return ended
	}
	return goOn
}
