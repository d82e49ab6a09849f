package main

import (
	"time"
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
// deadline, and says 0. The zero deadline never comes. It's yours to write.
func waitUntil(c clock, deadline time.Time) (n int, err error) {
	return 0, nil // not started
}
