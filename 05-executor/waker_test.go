package main

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Property 26.
func TestWakeDuringPollPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			if polls++; polls == 1 {
				cx.Waker().Wake()
			}
			return "", polls == 2
		}))
	})
}

// Property 26: here the wake is over, on another goroutine, before Poll returns.
func TestWakeFromElsewhereDuringPollPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var wakes sync.WaitGroup
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			if polls++; polls == 1 {
				wakes.Go(cx.Waker().Wake)
				wakes.Wait()
			}
			return "", polls == 2
		}))
	})
}

// Property 25: no token of an earlier wake may stand in for a later one.
func TestWakeDuringEachOfManyPollsPollsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const rounds = 1000
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			go cx.Waker().Wake()
			polls++
			return "", polls >= rounds
		}))
	})
}

// Property 4: a wake is a hint, the poll may find nothing.
func TestWakeForNothingIsHarmless(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		polls := 0
		got := runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			if polls++; polls == 3 {
				return "hello", true
			}
			cx.Waker().Wake()
			return "", false
		}))
		if got != "hello" {
			t.Errorf("got %q after wakes for nothing, want hello", got)
		}
	})
}

// Property 24.
func TestWakesFromEightGoroutinesLoseNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const goroutines, wakes = 8, 1000
		var left atomic.Int64
		left.Store(goroutines * wakes)
		var start sync.Once
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			start.Do(func() {
				for range goroutines {
					go func() {
						for range wakes {
							left.Add(-1)
							cx.Waker().Wake() // the last one of all must be seen
						}
					}()
				}
			})
			return "", left.Load() == 0
		}))
	})
}

// Property 24.
func TestWakeAfterFinishIsHarmless(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var waker Waker
		polls := 0
		runToEnd(nil, pollFunc[string](func(cx *Context) (string, bool) {
			waker = cx.Waker()
			polls++
			return "", true
		}))
		var wakes sync.WaitGroup
		for range 8 {
			wakes.Go(waker.Wake)
		}
		wakes.Wait()
		if polls != 1 {
			t.Errorf("%d polls, want 1: it had finished", polls)
		}
	})
}

// Property 22.
func TestOnlyLatestWakerIsWoken(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	var early atomic.Int64
	late := NewParker()
	register(t, r, fd, readable, wakeFunc(func() { early.Add(1) }))
	register(t, r, fd, readable, late)
	send(t, peer)
	late.Park()
	r.Close() // now the reactor's goroutine has ended
	if early.Load() != 0 {
		t.Error("the waker of an earlier poll was woken")
	}
}

// These tests stop the reactor's goroutine between the steps that have to be
// right in any order: in a Wake, it has taken a batch of events from the
// kernel and not yet delivered the rest of it.

// inOneBatch makes two descriptors readable while the reactor is busy, so that
// it gets both events at once, and returns the descriptors.
func inOneBatch(t *testing.T, r *Reactor, wakers ...Waker) (fds []int) {
	t.Helper()
	gate, opener := openPair(t)
	busy, proceed := make(chan struct{}), make(chan struct{})
	register(t, r, gate, readable, wakeFunc(func() { close(busy); <-proceed }))
	send(t, opener)
	<-busy
	for _, w := range wakers {
		fd, peer := openPair(t)
		register(t, r, fd, readable, w)
		send(t, peer)
		fds = append(fds, fd)
	}
	close(proceed)
	return fds
}

// Property 23.
func TestRegisterInsideAWakeIsNotLost(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	second := NewParker()
	register(t, r, fd, readable, wakeFunc(func() { register(t, r, fd, readable, second) }))
	send(t, peer) // and nobody reads it: it is readable still
	second.Park()
}

// Property 23.
func TestForgetInsideAWakeDoesNotHang(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	p := NewParker()
	register(t, r, fd, readable, wakeFunc(func() {
		r.Deregister(fd)
		p.Wake()
	}))
	send(t, peer)
	p.Park()
}

// Property 18: its event is in the batch already.
func TestForgottenInsideAWakeIsNotWoken(t *testing.T) {
	r := openReactor(t)
	var fds atomic.Pointer[[]int]
	var wakes [2]atomic.Int64
	known := make(chan struct{})
	forgetOther := func(me int) Waker {
		return wakeFunc(func() {
			wakes[me].Add(1)
			<-known
			r.Deregister((*fds.Load())[1-me])
		})
	}
	both := inOneBatch(t, r, forgetOther(0), forgetOther(1))
	fds.Store(&both)
	close(known)

	fd, peer := openPair(t) // its event comes after the batch
	p := NewParker()
	register(t, r, fd, readable, p)
	send(t, peer)
	p.Park()
	if a, b := wakes[0].Load(), wakes[1].Load(); a+b != 1 {
		t.Errorf("each forgot the other when it was woken, but they were woken %d and %d times", a, b)
	}
}

// Property 18: a descriptor is closed inside a wake, its number is used again
// at once, and then the old one's event is delivered. The new owner may be
// woken for nothing; when its own event comes it must be woken.
func TestNumberUsedAgainInOneBatchLosesNoWake(t *testing.T) {
	r := openReactor(t)
	next, peer := openPair(t)
	newOwner := NewParker()
	var fds []int
	var number int
	known, replaced := make(chan struct{}), make(chan struct{})
	first := true
	replaceOther := func(me int) Waker {
		return wakeFunc(func() {
			<-known
			if !first {
				return // told of an event of its own after all
			}
			first = false
			number = fds[1-me]
			r.Deregister(number)
			unix.Close(number)
			if n, err := unix.FcntlInt(uintptr(next), unix.F_DUPFD, number); err != nil || n != number {
				t.Errorf("got descriptor %d again, want %d: %v", n, number, err)
			}
			register(t, r, number, readable, newOwner)
			close(replaced)
		})
	}
	fds = inOneBatch(t, r, replaceOther(0), replaceOther(1))
	close(known)
	<-replaced
	for polls := 0; ; polls++ { // what a future does that is woken
		newOwner.Park()
		if _, err := ignoringEINTR(unix.Read, number, make([]byte, 1)); err == nil {
			return
		}
		if polls == 0 {
			register(t, r, number, readable, newOwner)
			send(t, peer)
			continue
		}
		t.Fatalf("woken %d times for nothing", polls+1)
	}
}

// Property 21.
func TestReaderAndWriterOfOneDescriptorAreBothWoken(t *testing.T) {
	for _, order := range [][]direction{{readable, writable}, {writable, readable}} {
		r := openReactor(t)
		fd, peer := openPair(t)
		fill(t, fd)
		var parkers [2]*Parker
		for _, dir := range order {
			parkers[dir] = NewParker()
			register(t, r, fd, dir, parkers[dir])
		}
		for _, dir := range order { // the first event disarms both
			if dir == readable {
				send(t, peer)
			} else {
				drain(t, peer)
			}
			parkers[dir].Park()
		}
	}
}

// Property 21: each is woken by its own direction only.
func TestWriterSleepsWhileOnlyItsReaderIsWoken(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	fill(t, fd)
	reader := NewParker()
	var writes atomic.Int64
	register(t, r, fd, writable, wakeFunc(func() { writes.Add(1) }))
	register(t, r, fd, readable, reader)
	send(t, peer)
	reader.Park()
	r.mu.Lock()
	_, waits := r.waiting[fd]
	r.mu.Unlock()
	if writes.Load() != 0 || !waits {
		t.Error("the writer was woken by the reader's event")
	}
}

// Property 21: the reader's event disarms both directions, and its wake
// registers again while the writer waits. Unlock, wake, and only then arm
// what is left would take the new registration back.
func TestReaderRegistersAgainInsideItsWakeWhileAWriterWaits(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	fill(t, fd)
	reader, writer := NewParker(), NewParker()
	register(t, r, fd, writable, writer)
	register(t, r, fd, readable, wakeFunc(func() { register(t, r, fd, readable, reader) }))
	send(t, peer)
	reader.Park()
	drain(t, peer)
	writer.Park()
}

// Property 21: the reader's event has been taken from the kernel, which has
// disarmed the descriptor; before it is delivered a writer registers.
func TestWriterRegistersBeforeTheReadersEventIsDelivered(t *testing.T) {
	r := openReactor(t)
	var fds []int
	reader, writer := NewParker(), NewParker()
	known := make(chan struct{})
	first := true
	other := func(me int) Waker {
		return wakeFunc(func() {
			<-known
			if first {
				register(t, r, fds[1-me], writable, writer) // it is writable, too
			} else {
				reader.Wake()
			}
			first = false
		})
	}
	fds = inOneBatch(t, r, other(0), other(1))
	close(known)
	reader.Park()
	writer.Park()
}

// Property 21: and with a writer that still has to wait for room.
func TestWriterRegistersBeforeTheReadersEventAndWaitsForRoom(t *testing.T) {
	r := openReactor(t)
	gate, opener := openPair(t)
	fd, peer := openPair(t)
	fill(t, fd)
	busy, proceed := make(chan struct{}), make(chan struct{})
	register(t, r, gate, readable, wakeFunc(func() { close(busy); <-proceed }))
	send(t, opener)
	<-busy
	reader, writer := NewParker(), NewParker()
	register(t, r, fd, readable, reader)
	send(t, peer)
	register(t, r, fd, writable, writer)
	close(proceed)
	reader.Park()
	drain(t, peer)
	writer.Park()
}

// Property 15: the event comes between a read that finds nothing and Register.
func TestEventBeforeRegisterIsNotLost(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	got := runToEnd(r, pollFunc[string](func(cx *Context) (string, bool) {
		var buf [1]byte
		if n, err := ignoringEINTR(unix.Read, fd, buf[:]); err == nil {
			return string(buf[:n]), true
		}
		send(t, peer)
		if err := cx.WakeWhenReadable(fd); err != nil {
			t.Error(err)
		}
		return "", false
	}))
	if got != "x" {
		t.Errorf("got %q, want x", got)
	}
}

// Property 23: a waker that polls at once, on the reactor's goroutine, is
// allowed too: an executor of one's own may do it.
func TestPollInsideAWakeIsPossible(t *testing.T) {
	r := openReactor(t)
	addr, stop, err := startDelayServer()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	get, done := HTTPGet(addr, "/1/hello"), make(chan Response, 1)
	cx := &Context{reactor: r}
	poll := func() {
		if response, ready := get.Poll(cx); ready {
			done <- response
		}
	}
	start := make(chan struct{})
	cx.waker = wakeFunc(func() { <-start; poll() })
	poll()
	close(start)
	if got := <-done; got.Body != "hello" {
		t.Errorf("got %+v, want hello", got)
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

// Property 23: those who are woken by Close may ask the reactor, which is gone.
func TestWakeByCloseMayRegister(t *testing.T) {
	r := openReactor(t)
	fd, _ := openPair(t)
	var err error
	register(t, r, fd, readable, wakeFunc(func() {
		err = r.Register(fd, readable, NewParker())
		r.Deregister(fd)
	}))
	r.Close()
	if err == nil {
		t.Error("Register in a wake by Close succeeded: nobody will ever wake it")
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
	good := r.poller.fd
	r.poller.fd = null
	close(proceed)
	p.Park()
	eventually(t, "no reactor's goroutine is left", func() bool { return reactors() == 0 })
	r.poller.fd = good
	unix.Close(null)
	if err := r.Register(waiting, readable, p); err == nil || !strings.Contains(err.Error(), "reactor") {
		t.Errorf("Register says %v, want why the reactor has ended", err)
	}
}
