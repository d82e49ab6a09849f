// want: 65,536 bytes
package main

import "golang.org/x/sys/unix"

type verdict string

const (
	goOn     verdict = "go on"     // bytes were read
	ended    verdict = "ended"     // the other side has finished
	notNow   verdict = "not now"   // return false, and ask again later
	askAgain verdict = "ask again" // nothing was done; call again at once
	failed   verdict = "failed"    // an error like any other
)

func classify(n int, err error) verdict {
	switch {
	case uint16(n) > 0 && err == nil: // no packet is longer
		return goOn
	case err == nil:
		return ended
	case err == unix.EAGAIN:
		return notNow
	case err == unix.EINTR:
		return askAgain
	}
	return failed
}
