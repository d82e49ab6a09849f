package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what all threads of the process have used, to the nanosecond.
func cpuTime() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now)
	return time.Duration(now.Nano())
}
