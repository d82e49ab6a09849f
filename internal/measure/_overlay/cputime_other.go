//go:build !linux

package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of all threads of the process, to the microsecond.
func cpuTime() time.Duration {
	var used unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
