package main

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// silentServer accepts and never answers.
func silentServer(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// reactors counts the goroutines that are, or were a moment ago, a Reactor's.
func reactors() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), ".(*Reactor).run(")
}

// openDescriptors counts the descriptors that the process has.
func openDescriptors(t *testing.T) int {
	t.Helper()
	dir := "/dev/fd"
	if runtime.GOOS == "linux" {
		dir = "/proc/self/fd"
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

// reactorsEnd waits for goroutines that are on their last step.
func reactorsEnd(t *testing.T) {
	t.Helper()
	for start := time.Now(); reactors() > 0; runtime.Gosched() {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%d goroutines wait for a reactor that has ended", reactors())
		}
	}
}

// Property 31. Mostly it is in the kernel by then, which is where it is hard to end.
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
	reactorsEnd(t)
}

// Property 31.
func TestCloseGivesBackEveryDescriptor(t *testing.T) {
	openReactor(t).Close() // Go's own descriptors are open now
	before := openDescriptors(t)
	for range 10 {
		openReactor(t).Close()
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors after ten reactors were opened and closed, %d before", after, before)
	}
}

// Property 31: a thread that is left in the kernel serves nobody else.
func TestCloseGivesBackTheThread(t *testing.T) {
	threads := pprof.Lookup("threadcreate")
	before := threads.Count()
	const rounds = 100
	for range rounds {
		openReactor(t).Close()
	}
	if started := threads.Count() - before; started >= rounds/2 {
		t.Errorf("%d threads were started for %d reactors, one after the other", started, rounds)
	}
}

// Property 31.
func TestCloseTwiceIsHarmless(t *testing.T) {
	r := openReactor(t)
	var closes sync.WaitGroup
	for range 8 {
		closes.Go(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closes.Wait()
}

// Property 31: by then the numbers belong to somebody else.
func TestSecondCloseLeavesTheDescriptorsOfOthersOpen(t *testing.T) {
	r := openReactor(t)
	r.Close()
	a, b := openPair(t)
	c, d := openPair(t)
	r.Close()
	for _, fd := range []int{a, b, c, d} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			t.Errorf("descriptor %d, opened after Close, was closed by another Close: %v", fd, err)
		}
	}
}

// Whoever closes second may rely on it as well.
func TestSecondCloseReturnsAfterTheReactorHasEnded(t *testing.T) {
	openReactor(t).Close()
	before := openDescriptors(t)
	r := openReactor(t)
	go r.Close()
	r.Close()
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors after the second Close, %d before NewReactor", after, before)
	}
}

// A future that waits when the reactor closes would otherwise wait for ever.
func TestCloseEndsAFutureThatWaitsWithAnError(t *testing.T) {
	r := openReactor(t)
	get := NewHTTPGet(silentServer(t), "/")
	var once sync.Once
	got := runToEnd(r, pollFunc[Response](func(cx *Context) (Response, bool) {
		response, ready := get.Poll(cx)
		if get.state == receiving {
			once.Do(func() { go r.Close() })
		}
		return response, ready
	}))
	if got.Err == nil || !strings.Contains(got.Err.Error(), "reactor is closed") {
		t.Errorf("the error is %v, want one that says that the reactor is closed", got.Err)
	}
	if get.fd != -1 {
		t.Error("the request has failed and keeps its descriptor")
	}
}

// Property 24.
func TestWakeAfterCloseIsHarmless(t *testing.T) {
	r := openReactor(t)
	var waker Waker
	runToEnd(r, pollFunc[string](func(cx *Context) (string, bool) {
		waker = cx.Waker()
		return "", true
	}))
	r.Close()
	waker.Wake()
	waker.Wake()
}

func TestRegisterAfterCloseFailsInWords(t *testing.T) {
	r := openReactor(t)
	fd, _ := openPair(t)
	r.Close()
	err := r.Register(fd, readable, NewParker())
	if err == nil || !strings.Contains(err.Error(), "reactor is closed") {
		t.Errorf("Register says %v, want that the reactor is closed", err)
	}
}

func TestForgetAfterCloseIsHarmless(t *testing.T) {
	r := openReactor(t)
	fd, _ := openPair(t)
	register(t, r, fd, readable, NewParker())
	r.Close()
	r.Forget(fd)
}

// Property 23: those who are woken by Close may ask the reactor, which is gone.
func TestWakeByCloseMayRegister(t *testing.T) {
	r := openReactor(t)
	fd, _ := openPair(t)
	var err error
	register(t, r, fd, readable, wakeFunc(func() {
		err = r.Register(fd, readable, NewParker())
		r.Forget(fd)
	}))
	r.Close()
	if err == nil {
		t.Error("Register in a wake by Close succeeded: nobody will ever wake it")
	}
}

// Register and Close at once: whoever was accepted is woken.
func TestRegisterDuringCloseFailsOrIsWoken(t *testing.T) {
	fd, _ := openPair(t)
	for range 200 {
		r := openReactor(t)
		accepted := make(chan bool, 1)
		p := NewParker()
		go func() { accepted <- r.Register(fd, readable, p) == nil }()
		r.Close()
		if <-accepted {
			p.Park() // it hangs if the waker was stored after Close woke all
		}
	}
}

// While its goroutine is in a Wake, the reactor closes: who is still to be
// told of the same batch of events is woken by Close.
func TestCloseInTheMiddleOfABatchWakesTheRest(t *testing.T) {
	r := openReactor(t)
	first, rest := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	wakes := 0
	w := wakeFunc(func() {
		mu.Lock()
		wakes++
		n := wakes
		mu.Unlock()
		switch n {
		case 1: // on the reactor's goroutine, which stays here
			close(first)
			<-rest
		case 2: // on the goroutine that closes
			close(rest)
		}
	})
	inOneBatch(t, r, w, w)
	<-first
	r.Close()
}

// The kernel's queue fails: all who wait are told, and nobody waits any more.
func TestFailureOfTheQueueWakesAndTells(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	inWake, proceed := make(chan struct{}), make(chan struct{})
	register(t, r, fd, readable, wakeFunc(func() { close(inWake); <-proceed }))
	waiting, _ := openPair(t)
	p := NewParker()
	register(t, r, waiting, readable, p)
	send(t, peer)
	<-inWake // so it does not wait in the kernel, and its queue can be broken
	null, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	good := r.queue.fd
	r.queue.fd = null
	close(proceed)
	p.Park()
	reactorsEnd(t)
	r.queue.fd = good
	unix.Close(null)
	if err := r.Register(waiting, readable, p); err == nil || !strings.Contains(err.Error(), "reactor") {
		t.Errorf("Register says %v, want why the reactor has ended", err)
	}
}
