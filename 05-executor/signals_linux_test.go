package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
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

// Property 19: Ctrl-Z, and then fg, end a wait although nobody handles them.
func TestStopAndContinueDoNotEndWait(t *testing.T) {
	const rounds, asChild = 20, "WAIT_FOR_STANDARD_INPUT"
	noLeaks(t)
	if os.Getenv(asChild) != "" {
		waitForStandardInput(t, rounds)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestStopAndContinueDoNotEndWait$", "-test.count=1")
	child.Env = append(os.Environ(), asChild+"=yes")
	child.Stderr = os.Stderr
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	within(t, "the child", func() {
		for range rounds {
			child.Process.Signal(unix.SIGSTOP)
			child.Process.Signal(unix.SIGCONT)
			in.Write([]byte("x"))
			if !lines.Scan() || lines.Text() != "heard" {
				t.Errorf("the child says %q", lines.Text())
				break
			}
		}
		for lines.Scan() {
		}
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func waitForStandardInput(t *testing.T, bytes int) {
	if err := unix.SetNonblock(0, true); err != nil {
		t.Fatal(err)
	}
	h := newHearing(0, bytes)
	var report sync.WaitGroup
	report.Go(func() {
		for range h.heard {
			fmt.Println("heard")
		}
	})
	if err := runOne(t, h); err != nil {
		t.Error(err)
	}
	close(h.heard)
	report.Wait()
}
