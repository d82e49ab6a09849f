// want: has printed
package main

import (
	"log"

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

// classify says what an answer of unix.Read means. The buffer wasn't empty.
func classify(n int, err error) verdict {
	switch err {
	case nil:
		if n == 0 {
			return ended
		}
		return goOn
	case unix.EAGAIN:
		return notNow
	case unix.EINTR:
		return askAgain
	}
	log.Println("read:", err)
	return failed
}
