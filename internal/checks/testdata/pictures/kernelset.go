package main

import (
	"fmt"
	"os"
	"strings"
)

// This is compiled into a copy of chapter 03 or 04: see tables_linux_test.go.

// kernelSet says what epoll holds for a descriptor, which the pages call 7. It's
// what the kernel itself says, in proc(5).
func kernelSet(epfd, descriptor int) string {
	text := must(os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", epfd)))
	for _, line := range strings.Split(string(text), "\n") {
		var fd int
		var events uint32
		if n, _ := fmt.Sscanf(line, "tfd: %d events: %x", &fd, &events); n < 2 || fd != descriptor {
			continue
		}
		var armed []string
		if events&0x001 != 0 { // EPOLLIN
			armed = append(armed, "read")
		}
		if events&0x004 != 0 { // EPOLLOUT
			armed = append(armed, "write")
		}
		if armed == nil {
			return "7: muted"
		}
		return "7: " + strings.Join(armed, ", ")
	}
	return "empty"
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}
