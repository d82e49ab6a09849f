package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// hearing is a future that's ready when it has read so many bytes, or has failed.
type hearing struct {
	fd, bytes int
	heard     chan struct{}
}

func newHearing(fd, bytes int) *hearing { return &hearing{fd, bytes, make(chan struct{}, bytes)} }

func (h *hearing) Poll(cx *Context) (error, bool) {
	for h.bytes > 0 {
		_, err := ignoringEINTR(unix.Read, h.fd, make([]byte, 1))
		if err == unix.EAGAIN {
			err = cx.WakeWhenReadable(h.fd)
			return err, err != nil
		}
		if err != nil {
			return err, true
		}
		h.bytes--
		h.heard <- struct{}{}
	}
	cx.Deregister(h.fd)
	return nil, true
}

// hearOneByOne runs a hearing to its end. It calls beforeEach and sends a byte, each time
// that the byte before has been read.
func hearOneByOne(t *testing.T, bytes int, beforeEach func()) (polls int) {
	t.Helper()
	fd, peer := openPair(t)
	h, over := newHearing(fd, bytes), make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for range bytes {
			beforeEach()
			ignoringEINTR(unix.Write, peer, []byte("x"))
			select {
			case <-h.heard:
			case <-over:
				return
			}
		}
	})
	if err := runOne(t, Counted[error](h, &polls)); err != nil {
		t.Error(err)
	}
	close(over)
	sender.Wait()
	return polls
}

// Property 19.
func TestSignalDoesNotEndWait(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a signal to a single thread is for Linux only")
	}
	hearOneByOne(t, 3000, func() {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Error(err)
		}
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			unix.Kill(id, unix.SIGURG) // Go takes this signal for its own, and ignores it
		}
	})
}

// Property 19: Ctrl-Z and then fg end a wait, even though the program doesn't handle them.
func TestStopAndContinueDoNotEndWait(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux do they interrupt a wait")
	}
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
				t.Errorf("the child says %q, want heard", lines.Text())
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
