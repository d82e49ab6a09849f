//go:build !linux

package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what all threads of the process have used, to the microsecond.
func cpuTime() time.Duration {
	var used unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &used)
	return cpu(used)
}
