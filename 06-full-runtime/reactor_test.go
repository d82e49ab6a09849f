package main

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func register(t *testing.T, rt *Runtime, fd int, dir direction, w Waker) {
	t.Helper()
	if err := rt.reactor.Register(fd, dir, w); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.reactor.Forget(fd) })
}

// Property 14.
func TestDescriptorReadyBeforeItIsRegisteredIsReported(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	fd, peer := openPair(t)
	send(t, peer)
	register(t, rt, fd, readable, w)
	deliver(t, rt)
	if n := w.wakes.Load(); n != 1 {
		t.Errorf("%d wakes, want 1", n)
	}
}

// Property 14: its edge is long gone.
func TestDescriptorStillReadyIsReportedWhenRegisteredAgain(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	fd, peer := openPair(t)
	send(t, peer)
	register(t, rt, fd, readable, w)
	deliver(t, rt)
	register(t, rt, fd, readable, w)
	deliver(t, rt)
	if n := w.wakes.Load(); n != 2 {
		t.Errorf("%d wakes, want 2: it was readable all the time", n)
	}
}

// Property 16.
func TestOneEventIsOneWake(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	fd, peer := openPair(t)
	register(t, rt, fd, readable, w)
	for range 3 {
		send(t, peer)
		deliver(t, rt)
	}
	if n := w.wakes.Load(); n != 1 {
		t.Errorf("%d wakes, want 1: it was not registered again", n)
	}
}

// Property 18.
func TestForgottenDescriptorWakesNobody(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	fd, peer := openPair(t)
	register(t, rt, fd, readable, w)
	rt.reactor.Forget(fd)
	send(t, peer)
	deliver(t, rt)
	if w.wakes.Load() != 0 || rt.Report().Descriptors != 0 || rt.reactor.waiting != 0 {
		t.Errorf("%d wakes, %d descriptors, %d wakers, want none", w.wakes.Load(), rt.Report().Descriptors, rt.reactor.waiting)
	}
}

// Property 18.
func TestForgetOfUnknownDescriptorsIsHarmless(t *testing.T) {
	rt := openRuntime(t)
	for _, fd := range []int{-1, 0, 1 << 20} {
		rt.reactor.Forget(fd)
	}
}

// Property 18.
func TestNextConnectionWithThatNumberIsServed(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	for range 3 {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0) // gets the same numbers
		if err != nil {
			t.Fatal(err)
		}
		register(t, rt, pair[0], readable, w)
		send(t, pair[1])
		deliver(t, rt)
		rt.reactor.Forget(pair[0])
		unix.Close(pair[0])
		unix.Close(pair[1])
	}
	if n := w.wakes.Load(); n != 3 {
		t.Errorf("%d wakes for three connections, want 3", n)
	}
}

// Property 18: the old owner's event comes in the same batch as its end.
func TestEventOfTheFormerOwnerIsNotDelivered(t *testing.T) {
	rt, old, next := openRuntime(t), new(countedWaker), new(countedWaker)
	first, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first[1])
	former, peer := first[0], first[1]
	register(t, rt, former, readable, old)
	send(t, peer)
	events, err := rt.reactor.queue.wait(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 || events[0].generation == 0 {
		t.Skip("the kernel gives no generation back")
	}
	rt.reactor.Forget(former)
	unix.Close(former)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	if pair[0] != former && pair[1] != former {
		t.Skipf("%d was taken by somebody else", former)
	}
	register(t, rt, former, readable, next)
	for _, ev := range events {
		rt.reactor.deliver(ev)
	}
	if n := next.wakes.Load(); n != 0 {
		t.Errorf("%d wakes by what came for another connection, want none", n)
	}
	rt.reactor.Forget(former)
}

// Property 20: a wait takes 256 at most.
func TestMoreEventsThanTheBufferHolds(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	const pairs = 300
	for range pairs {
		fd, peer := openPair(t)
		register(t, rt, fd, readable, w)
		send(t, peer)
	}
	deliver(t, rt)
	deliver(t, rt)
	if n := w.wakes.Load(); n != pairs {
		t.Errorf("%d wakes after two waits, want %d", n, pairs)
	}
}

// Property 23.
func TestWakeMayRegisterSpawnAndClose(t *testing.T) {
	rt := openRuntime(t)
	fd, peer := openPair(t)
	s, _ := openStream(t, rt)
	send(t, peer)
	register(t, rt, fd, readable, wakeFunc(func() {
		rt.reactor.Register(fd, readable, new(countedWaker))
		Spawn(rt, ready(1))
		s.Close()
	}))
	within(t, "a Wake that registers, spawns and closes", func() { deliver(t, rt) })
	rt.reactor.Forget(fd)
	if left := rt.Report(); !s.closed || left.Tasks != 1 {
		t.Error("it did not get so far")
	}
}

// Property 31: what cannot be registered counts as nothing.
func TestDescriptorThatCannotBeRegisteredIsAnError(t *testing.T) {
	rt, w := openRuntime(t), new(countedWaker)
	if err := rt.reactor.Register(1<<20, readable, w); err == nil || rt.Report().Descriptors != 0 || rt.reactor.waiting != 0 {
		t.Errorf("%v, and %d descriptors, %d wakers, want an error and none", err, rt.Report().Descriptors, rt.reactor.waiting)
	}
}

func TestTraceTellsOfDescriptors(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openStream(t, rt)
	told := 0
	rt.Trace.Descriptor = func(fd int, readable, writable bool) {
		if fd == s.fd && readable {
			told++
		}
	}
	send(t, peer)
	s.ready[readable] = false
	blockOn[Result[int]](t, rt, s.Read(make([]byte, 1)))
	if told != 1 {
		t.Errorf("told %d times that it is readable, want once", told)
	}
}

// fakeQueue is a queue without a kernel: what waits in it waits for a channel
// and a timer, so that in a bubble of testing/synctest no time passes.
type fakeQueue struct {
	t      *testing.T
	bell   chan struct{} // of one
	events []event       // for the next wait
	err    error         // of the next wait
	waits  int
	rings  atomic.Int64
	closed atomic.Bool
}

func newFakeQueue(t *testing.T) *fakeQueue { return &fakeQueue{t: t, bell: make(chan struct{}, 1)} }

func (*fakeQueue) add(int, uint32) error   { return nil }
func (*fakeQueue) again(int, uint32) error { return nil }
func (*fakeQueue) remove(int)              {}

func (q *fakeQueue) wait(timeout time.Duration) ([]event, error) {
	q.waits++
	if timeout != 0 && q.events == nil && q.err == nil {
		q.sleep(timeout)
	}
	events, err := q.events, q.err
	q.events, q.err = nil, nil
	return events, err
}

func (q *fakeQueue) sleep(timeout time.Duration) {
	var late <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-q.bell:
	case <-late:
	}
}

func (q *fakeQueue) ring() error {
	if q.closed.Load() {
		q.t.Error("the bell is rung after the queue was closed")
	}
	q.rings.Add(1)
	select {
	case q.bell <- struct{}{}:
	default:
	}
	return nil
}

func (q *fakeQueue) close() {
	if q.closed.Swap(true) {
		q.t.Error("the queue is closed twice")
	}
}

func queueOf(rt *Runtime) *fakeQueue { return rt.reactor.queue.(*fakeQueue) }

// Property 19: the wait is repeated, with what is left of the timeout.
func TestInterruptedWaitLosesNoTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		rt.Trace.Park = func() {
			if time.Since(start) == 0 {
				queueOf(rt).err = unix.EINTR
				time.Sleep(time.Minute) // of the hour to come
			}
		}
		blockOn(t, rt, NewSleep(time.Hour))
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h took %v", got)
		}
	})
}

func TestBrokenQueueIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		queueOf(rt).err = unix.EBADF
		if _, err := BlockOn(rt, NewSleep(time.Hour)); err != unix.EBADF {
			t.Errorf("BlockOn fails with %v, want %v", err, unix.EBADF)
		}
	})
}

// Property 35.
func TestManyWakesRingOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var wakers []Waker
		over := false
		for range 1000 {
			Spawn(rt, until(func(cx *Context) bool {
				if !over {
					wakers = append(wakers, cx.Waker())
				}
				return over
			}))
		}
		rt.Trace.Park = func() { // it has lain down, and is not yet asleep
			over = true
			for _, w := range wakers {
				w.Wake()
			}
		}
		blockOn(t, rt, until(func(cx *Context) bool {
			if !over {
				wakers = append(wakers, cx.Waker())
			}
			return over
		}))
		if n := queueOf(rt).rings.Load(); n != 1 {
			t.Errorf("%d wakes rang %d times, want once", len(wakers), n)
		}
	})
}

// Property 35.
func TestWakeOfRuntimeThatIsAwakeRingsNot(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			cx.Waker().Wake()
			polls++
			return polls == 1000
		}))
		if n := queueOf(rt).rings.Load(); n != 0 {
			t.Errorf("%d rings, want none: it was not parked", n)
		}
	})
}

// lockedQueue says when it is rung without the lock of the runtime.
type lockedQueue struct {
	*fakeQueue
	runtime *Runtime
}

func (q lockedQueue) ring() error {
	if q.runtime.mu.TryLock() {
		q.runtime.mu.Unlock()
		q.t.Error("the bell is rung without the lock: its number may be another's by now")
	}
	return q.fakeQueue.ring()
}

// Property 24: Close waits for who rings.
func TestBellIsRungUnderTheLock(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		rt.reactor.queue = lockedQueue{queueOf(rt), rt}
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
			}
			return polls == 2
		}))
	})
}

// Property 35: an eventfd that is registered for writing too ends two.
func TestRingEndsOneWait(t *testing.T) {
	rt, parks, polls := openRuntime(t), 0, 0
	rt.Trace.Park = func() { parks++ }
	blockOn(t, rt, until(func(cx *Context) bool {
		w := cx.Waker()
		if polls++; polls <= 10 {
			go func() { // it wakes when the runtime sleeps
				for {
					rt.mu.Lock()
					asleep := rt.parked
					rt.mu.Unlock()
					if asleep {
						break
					}
					time.Sleep(time.Millisecond)
				}
				w.Wake()
			}()
		}
		return polls > 10
	}))
	if parks != 10 {
		t.Errorf("the runtime lay down %d times for 10 wakes, want 10", parks)
	}
}

// Property 34: rounded down, the last millisecond would be many waits.
func TestSleepIsOneWaitOrTwo(t *testing.T) {
	rt, parks := openRuntime(t), 0
	rt.Trace.Park = func() { parks++ }
	blockOn(t, rt, NewSleep(5*time.Millisecond+time.Microsecond))
	if parks > 2 {
		t.Errorf("the runtime lay down %d times for one Sleep", parks)
	}
}

// Property 13: neither a timer nor an event ends the wait.
func TestIdleRuntimeStaysAsleep(t *testing.T) {
	rt, polls := openRuntime(t), 0
	q := &countingQueue{queue: rt.reactor.queue}
	rt.reactor.queue = q
	s, _ := openStream(t, rt)
	reading := Spawn(rt, s.Read(make([]byte, 1)))
	blockOn(t, rt, until(func(cx *Context) bool {
		if polls++; polls == 1 {
			time.AfterFunc(20*time.Millisecond, cx.Waker().Wake)
		}
		return polls == 2
	}))
	if q.waits > 4 { // what is writable is told once
		t.Errorf("the runtime asked the kernel %d times, although nothing happened", q.waits)
	}
	reading.Cancel()
}

// countingQueue counts its calls.
type countingQueue struct {
	queue
	changes, waits int
}

func (q *countingQueue) add(fd int, generation uint32) error {
	q.changes++
	return q.queue.add(fd, generation)
}

func (q *countingQueue) again(fd int, generation uint32) error {
	q.changes++
	return q.queue.again(fd, generation)
}

func (q *countingQueue) wait(timeout time.Duration) ([]event, error) {
	q.waits++
	return q.queue.wait(timeout)
}

// hearing is a future that ends when it has read so many bytes, or with an
// error.
type hearing struct {
	fd, bytes int
	heard     chan struct{}
}

func newHearing(fd, bytes int) *hearing { return &hearing{fd, bytes, make(chan struct{}, bytes)} }

func (h *hearing) Poll(cx *Context) (error, bool) {
	for h.bytes > 0 {
		_, err := retry(unix.Read, h.fd, make([]byte, 1))
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
	cx.Forget(h.fd)
	return nil, true
}

// hearOneByOne runs a future to its end, to which a byte is sent whenever it
// has heard the one before.
func hearOneByOne(t *testing.T, bytes int, beforeEach func()) (polls int) {
	t.Helper()
	fd, peer := openPair(t)
	h, over := newHearing(fd, bytes), make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for range bytes {
			beforeEach()
			retry(unix.Write, peer, []byte("x"))
			select {
			case <-h.heard:
			case <-over:
				return
			}
		}
	})
	if err := runOne(t, Counted[error]{h, &polls}); err != nil {
		t.Error(err)
	}
	close(over)
	sender.Wait()
	return polls
}
