package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of all threads of the process, to the nanosecond.
func cpuTime() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now)
	return time.Duration(now.Nano())
}
