package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// epollSet is what the kernel itself says is armed, in proc(5).
func epollSet(epfd int, names map[int]string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", epfd))
	if err != nil {
		return "unknown: not on Linux"
	}
	var all []string
	for _, line := range strings.Split(string(text), "\n") {
		var fd int
		var events uint32
		if n, _ := fmt.Sscanf(line, "tfd: %d events: %x", &fd, &events); n < 2 || names[fd] == "" {
			continue
		}
		for _, dir := range []struct { // EPOLLIN and EPOLLOUT
			bit  uint32
			name string
		}{{0x001, "read"}, {0x004, "write"}} {
			if events&dir.bit != 0 {
				all = append(all, names[fd]+": "+dir.name)
			}
		}
	}
	slices.Sort(all) // the kernel's order depends on addresses
	return strings.Join(all, ", ")
}
