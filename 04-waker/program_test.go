package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestLetterPostedWhileBlockOnSleepsIsNoticed(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		l := new(letter)
		time.AfterFunc(50*time.Millisecond, l.post)
		BlockOn(nil, l)
	})
}

func TestLetterPostedBeforeTheFirstPollIsNoticed(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		l := new(letter)
		l.post()
		BlockOn(nil, l)
	})
}

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

// reactors counts the goroutines of reactors, including those on their last step.
func reactors() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), ".(*Reactor).run(")
}

// Property 31. By then the goroutine is usually in the kernel, where it's hard to end.
func TestCloseEndsTheGoroutine(t *testing.T) {
	for range 20 {
		r := openReactor(t)
		fd, peer := openPair(t)
		send(t, peer)
		p := NewParker()
		register(t, r, fd, readable, p)
		p.Park()
		time.Sleep(time.Millisecond)
		r.Close()
	}
	eventually(t, "no reactor's goroutine is left", func() bool { return reactors() == 0 })
}

// Property 31.
func TestCloseGivesBackEveryDescriptor(t *testing.T) {
	openReactor(t).Close() // Go's own descriptors are open now
	before := descriptors()
	for range 10 {
		openReactor(t).Close()
	}
	if diff := cmp.Diff(before, descriptors()); diff != "" {
		t.Errorf("descriptors after ten reactors were opened and closed (-before +after):\n%s", diff)
	}
}

// Property 31: a thread that's left in the kernel can't be used for anything else.
func TestCloseGivesBackTheThread(t *testing.T) {
	threads := pprof.Lookup("threadcreate")
	before := threads.Count()
	const rounds = 100
	for range rounds {
		openReactor(t).Close()
	}
	if started := threads.Count() - before; started >= rounds/2 {
		t.Errorf("%d threads were started for %d reactors, one after the other, want fewer than half as many", started, rounds)
	}
}

// Property 31: by then, the numbers belong to other sockets.
func TestSecondCloseLeavesTheDescriptorsOfOthersOpen(t *testing.T) {
	r := openReactor(t)
	r.Close()
	a, b := openPair(t)
	c, d := openPair(t)
	r.Close()
	for _, fd := range []int{a, b, c, d} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			t.Errorf("the second Close closed descriptor %d, which was opened after the first: %v", fd, err)
		}
	}
}

// Close promises that the reactor has ended, also to the second caller.
func TestSecondCloseReturnsAfterTheReactorHasEnded(t *testing.T) {
	openReactor(t).Close()
	before := descriptors()
	r := openReactor(t)
	go r.Close()
	r.Close()
	if diff := cmp.Diff(before, descriptors()); diff != "" {
		t.Errorf("descriptors after the second Close (-before NewReactor +after):\n%s", diff)
	}
}
