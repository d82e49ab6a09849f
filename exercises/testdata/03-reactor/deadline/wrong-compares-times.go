// want: another time zone
package main

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

type clock interface {
	now() time.Time
	wait(ms int32) (n int, err error)
}

func waitUntil(c clock, deadline time.Time) (n int, err error) {
	for {
		ms := millis(c, deadline)
		n, err := c.wait(ms)
		if err == unix.EINTR {
			if ms == 0 {
				return 0, nil
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		if n > 0 || ms == 0 {
			return n, nil
		}
		if ms > 0 && !c.now().Before(deadline) {
			return 0, nil
		}
	}
}

func millis(c clock, deadline time.Time) int32 {
	if deadline == (time.Time{}) {
		return -1
	}
	d := deadline.Sub(c.now())
	if d <= 0 {
		return 0
	}
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		ms++
	}
	return int32(min(ms, math.MaxInt32))
}
