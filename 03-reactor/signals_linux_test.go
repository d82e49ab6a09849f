package main

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Property 19.
func TestSignalDoesNotEndWait(t *testing.T) {
	hearOneByOne(t, 100, func() {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
		}
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			unix.Tgkill(unix.Getpid(), id, unix.SIGURG) // which Go takes to be its own, and ignores
		}
	})
}
