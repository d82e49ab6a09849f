package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// scoreboard makes n requests, answered evenly over half a second, lets run
// poll them, and prints what that took the whole process, delay server included.
// A switch is a thread that went to sleep in the kernel.
func scoreboard(addr netip.AddrPort, n int, run func([]Future[Response]) []Response) error {
	gets, polls := make([]Future[Response], n), 0
	for i := range gets {
		path := fmt.Sprintf("/%d/hello", 500*(i+1)/n)
		gets[i] = Counted[Response]{NewHTTPGet(addr, path), &polls}
	}
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	start := time.Now()
	responses := run(gets)
	wall := time.Since(start).Round(time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	for _, r := range responses {
		if r.Body != "hello" {
			return cmp.Or(r.Err, fmt.Errorf("want hello, got %d %q", r.Status, r.Body))
		}
	}
	fmt.Printf("%d responses in %v: %d polls, %d switches, %v of CPU\n", len(responses), wall,
		polls, after.Nvcsw-before.Nvcsw, (cpu(after) - cpu(before)).Round(time.Millisecond))
	return nil
}

func cpu(u unix.Rusage) time.Duration { return time.Duration(u.Utime.Nano() + u.Stime.Nano()) }
