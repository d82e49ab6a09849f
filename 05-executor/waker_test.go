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

// Property 26: here another goroutine wakes the task, and is done before Poll returns.
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

// Property 25: the token of an earlier wake can't stand in for a later wake.
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

// Property 4: a wake is only a hint, so the poll may find nothing.
func TestSpuriousWakeIsHarmless(t *testing.T) {
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
			t.Errorf("got %q after two spurious wakes, want hello", got)
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
			t.Errorf("%d polls, want 1: the future had already finished", polls)
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
		t.Error("the waker of an earlier poll was woken, want only the latest waker")
	}
}

// Many of the following tests stop the reactor's goroutine inside a Wake. At that
// point it has taken a batch of events from the kernel, but hasn't delivered the rest
// of them yet, so a test can choose what happens in between.

// inOneBatch makes one descriptor for each waker readable while the reactor is busy, so
// that the reactor gets all the events at once. It returns the descriptors.
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
	send(t, peer) // fd is never read, so it's still readable
	second.Park()
}

// Property 23.
func TestDeregisterInsideAWakeDoesNotHang(t *testing.T) {
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

// Property 18: its event is already in the batch.
func TestDeregisteredInsideAWakeIsNotWoken(t *testing.T) {
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
		t.Errorf("each wake deregisters the other descriptor, but there were %d and %d wakes, want only one", a, b)
	}
}

// Property 18: a descriptor is closed inside a wake, its number is reused at once, and
// then the event of the old descriptor is delivered. The new owner may get a spurious
// wake, but it must be woken when its own event comes.
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
				return // its own event was delivered after all
			}
			first = false
			number = fds[1-me]
			r.Deregister(number)
			unix.Close(number)
			if n, err := unix.FcntlInt(uintptr(next), unix.F_DUPFD, number); err != nil || n != number {
				t.Errorf("the duplicate got descriptor %d, want %d again: %v", n, number, err)
			}
			register(t, r, number, readable, newOwner)
			close(replaced)
		})
	}
	fds = inOneBatch(t, r, replaceOther(0), replaceOther(1))
	close(known)
	<-replaced
	for polls := 0; ; polls++ { // what a woken future does
		newOwner.Park()
		if _, err := ignoringEINTR(unix.Read, number, make([]byte, 1)); err == nil {
			return
		}
		if polls == 0 {
			register(t, r, number, readable, newOwner)
			send(t, peer)
			continue
		}
		t.Fatalf("the new owner was woken %d times, but there was nothing to read", polls+1)
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

// Property 21: each is woken only by events of its own direction.
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
		t.Error("the reader's event woke the writer, want the writer to keep waiting")
	}
}

// Property 21: the reader's event disarms both directions, and the reader registers
// again inside its wake, while the writer waits. If the reactor woke the reader first
// and re-armed the writer after that, it would undo the reader's registration.
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

// Property 21: the kernel has handed over the reader's event, and has disarmed the
// descriptor. A writer registers before that event is delivered.
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
				register(t, r, fds[1-me], writable, writer) // the socket is writable, too
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

// Property 21: the same, with a writer that has to wait for room.
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

// Property 23: a waker may also poll at once, on the reactor's goroutine. An executor of
// your own might do that.
func TestPollInsideAWakeIsPossible(t *testing.T) {
	r := openReactor(t)
	addr, stop := startDelayServer()
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

// Property 23: a waker that Close wakes may call the reactor, which is about to end.
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
		t.Error("Register succeeded in a wake by Close, want an error, because that waker would never be woken")
	}
}

// The reactor closes while its goroutine is in a Wake: Close wakes the tasks whose events
// are in the same batch but haven't been delivered yet.
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

// If the poller fails, the waiting tasks are woken, and from then on Register says why.
func TestPollerFailureWakesTasksAndIsReported(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	inWake, proceed := make(chan struct{}), make(chan struct{})
	register(t, r, fd, readable, wakeFunc(func() { close(inWake); <-proceed }))
	waiting, _ := openPair(t)
	p := NewParker()
	register(t, r, waiting, readable, p)
	send(t, peer)
	<-inWake // now the reactor isn't in the kernel, and the test can break its poller
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
		t.Errorf("Register gives error %v, want one that says why the reactor has ended", err)
	}
}
