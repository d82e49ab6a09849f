package main

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
