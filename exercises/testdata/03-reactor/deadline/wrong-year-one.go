// want: sleeps forever
package main

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// A clock has the kernel's two calls that concern time.
type clock interface {
	// now says what time it is.
	now() time.Time
	// wait sleeps until there are events, and says how many; or until so many
	// milliseconds have passed, and says 0. With 0 it doesn't sleep, and with less
	// than 0 it sleeps until there are events, as epoll_wait does. On an error, n
	// is -1.
	wait(ms int32) (n int, err error)
}

// waitUntil sleeps until there are events, and says how many; or until the
// deadline, and says 0. The zero deadline never comes.
func waitUntil(c clock, deadline time.Time) (n int, err error) {
	for {
		ms := timeout(c.now(), deadline)
		n, err = c.wait(ms)
		switch {
		case err == unix.EINTR: // a signal, not an event
			continue
		case err != nil:
			return 0, err
		case n > 0 || ms == 0:
			return n, nil
		}
	}
}

// timeout is what's left until the deadline, for wait.
func timeout(now, deadline time.Time) int32 {
	if !deadline.After(time.Time{}) {
		return -1
	}
	left := max(deadline.Sub(now), 0) // less than 0 would be forever
	ms := left / time.Millisecond
	if left%time.Millisecond > 0 { // too short a wait asks again at once
		ms++
	}
	return int32(min(ms, math.MaxInt32))
}
