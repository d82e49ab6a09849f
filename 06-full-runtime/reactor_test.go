package main

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openSource returns a source that a waker of the reactor may wait for. Nothing
// is known to be ready yet.
func openSource(t *testing.T, rt *Runtime) (s *source, peer int) {
	t.Helper()
	fd, peer := socketPair(t)
	s = &source{fd: fd}
	if err := rt.reactor.addSource(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(peer) })
	return s, peer
}

// Property 14.
func TestDescriptorReadyBeforeItIsRegisteredIsReported(t *testing.T) {
	rt := openRuntime(t)
	cx := taskContext(rt)
	fd, peer := socketPair(t)
	defer unix.Close(peer)
	sendByte(t, peer)
	s := &source{fd: fd}
	if err := rt.reactor.addSource(s); err != nil {
		t.Fatal(err)
	}
	s.setWaker(readable, cx)
	deliver(t, rt)
	if n := wakesOf(cx); n != 1 {
		t.Errorf("%d wakes, want 1", n)
	}
	s.Close()
}

// Property 16.
func TestOneEventIsOneWake(t *testing.T) {
	rt := openRuntime(t)
	cx := taskContext(rt)
	s, peer := openSource(t, rt)
	s.setWaker(readable, cx)
	for range 3 {
		sendByte(t, peer)
		deliver(t, rt)
	}
	if n := wakesOf(cx); n != 1 {
		t.Errorf("%d wakes, want 1: the waker was set only once", n)
	}
	s.Close()
}

// Property 18.
func TestClosedDescriptorIsNotReported(t *testing.T) {
	rt := openRuntime(t)
	cx := taskContext(rt)
	s, peer := openSource(t, rt)
	s.setWaker(readable, cx)
	kept, _ := unix.Dup(s.fd) // as in a child process: the socket stays open
	sendByte(t, peer)
	s.Close()
	events, err := rt.reactor.poller.wait(0)
	if n := wakesOf(cx); unix.Close(kept) != nil || n != 1 || len(events) > 0 || waitingFor(rt) != 0 || rt.Report().Descriptors != 0 {
		t.Errorf("%d wakes, events %v, %v, %d descriptors, %d wakers; want the wake of the close, then none", n, events, err, rt.Report().Descriptors, waitingFor(rt))
	}
}

// Property 18: a waker that was taken back isn't woken, and takes none with it.
func TestRemovedWakerIsNotWoken(t *testing.T) {
	rt := openRuntime(t)
	removed, other := taskContext(rt), taskContext(rt)
	s, peer := openSource(t, rt)
	s.setWaker(readable, removed)
	s.removeWaker(readable, removed)
	s.removeWaker(readable, removed)
	if n := waitingFor(rt); n != 0 {
		t.Errorf("%d wakers wait, want none", n)
	}
	s.setWaker(readable, other)
	s.removeWaker(readable, removed)
	sendByte(t, peer)
	deliver(t, rt)
	if wakesOf(removed) != 0 || wakesOf(other) != 1 {
		t.Errorf("the removed waker was woken %d times, the later one %d times, want never, once", wakesOf(removed), wakesOf(other))
	}
	s.Close()
}

// Property 18.
func TestNextConnectionWithThatNumberIsServed(t *testing.T) {
	rt := openRuntime(t)
	cx := taskContext(rt)
	for range 3 {
		s, peer := openSource(t, rt) // gets the number of the one before
		s.setWaker(readable, cx)
		sendByte(t, peer)
		deliver(t, rt)
		s.Close()
	}
	if n := wakesOf(cx); n != 3 {
		t.Errorf("%d wakes for three connections, want 3", n)
	}
}

// Property 18: the descriptor of this event is gone, whatever its number.
func TestEventWithoutASourceIsHarmless(t *testing.T) {
	rt := openRuntime(t)
	s, _ := openSource(t, rt)
	fd := s.fd
	s.Close()
	for _, fd := range []int{fd, len(rt.reactor.sources), 1 << 20} {
		rt.reactor.deliver(event{fd: fd, ready: directions{true, true}})
	}
}

// Property 20: a wait returns up to 256 events.
func TestMoreEventsThanTheBufferHolds(t *testing.T) {
	rt := openRuntime(t)
	cx := taskContext(rt)
	const pairs = 300
	for range pairs {
		s, peer := openSource(t, rt)
		defer s.Close()
		s.setWaker(readable, cx)
		sendByte(t, peer)
	}
	waits := 2
	if _, isEpoll := rt.reactor.poller.(interface{ ctl(int, int, uint32) error }); !isEpoll {
		waits = 3 // to a kqueue, each of them is two events: it's readable, and it's writable
	}
	for range waits {
		deliver(t, rt)
	}
	if n := wakesOf(cx); n != pairs {
		t.Errorf("%d wakes after %d waits, want %d", n, waits, pairs)
	}
}

// Property 23.
func TestWakeMaySetAWakerSpawnAndClose(t *testing.T) {
	rt := openRuntime(t)
	s, peer := openSource(t, rt)
	other, _ := openStream(t, rt)
	sendByte(t, peer)
	cx := taskContext(rt)
	cx.waker = wakeFunc(func() {
		s.setWaker(readable, taskContext(rt))
		Spawn(cx, ready(1))
		other.Close()
	})
	s.setWaker(readable, cx)
	within(t, "a Wake that sets a waker, spawns and closes", func() { deliver(t, rt) })
	if left := rt.Report(); other.reactor != nil || left.Tasks != 1 || waitingFor(rt) != 1 {
		t.Errorf("open: %t, %d tasks, %d wakers, want false, 1, 1", other.reactor != nil, left.Tasks, waitingFor(rt))
	}
	s.Close()
}

// refusingPoller can't register so many more descriptors.
type refusingPoller struct {
	poller
	refuse int
}

func (p *refusingPoller) add(fd int) error {
	if p.refuse > 0 {
		p.refuse--
		return unix.ENOMEM
	}
	return p.poller.add(fd)
}

// Property 31: a refused descriptor is closed, and counted nowhere.
func TestDescriptorThatCannotBeRegisteredIsAnError(t *testing.T) {
	noLeaks(t)
	rt := openRuntime(t)
	if err := rt.reactor.addSource(&source{fd: 1 << 20}); err == nil {
		t.Error("a number that no descriptor has was registered")
	}
	peer := startPeer(t, func(c *net.TCPConn) { untilClosed(c) })
	rt.reactor.poller = &refusingPoller{rt.reactor.poller, 2}
	if got := blockOn(t, rt, Dial(peer)); !errors.Is(got.Err, unix.ENOMEM) || !strings.HasPrefix(got.Err.Error(), "dial "+peer.String()) {
		t.Errorf("Dial yields %+v, want %v, with the address", got, unix.ENOMEM)
	}
	if _, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0")); !errors.Is(err, unix.ENOMEM) {
		t.Errorf("Listen fails with %v, want %v", err, unix.ENOMEM)
	}
	if rt.Report().Descriptors != 0 || waitingFor(rt) != 0 {
		t.Errorf("%d descriptors and %d wakers are left, want none", rt.Report().Descriptors, waitingFor(rt))
	}
}

// Property 24: the numbers of the closed poller may be another one's by now.
func TestStreamClosedAfterTheRuntimeTouchesNoOther(t *testing.T) {
	first := openRuntime(t)
	s, _ := openStream(t, first)
	if left := first.Close(); left.Descriptors != 1 {
		t.Errorf("Close reports %+v, want 1 descriptor", left)
	}
	second := openRuntime(t) // likely to have the same numbers
	twin := &source{fd: s.fd}
	if err := second.reactor.addSource(twin); err != nil {
		t.Fatal(err)
	}
	first.reactor.poller.remove(s.fd)
	deliver(t, second)
	if !twin.ready[writable] {
		t.Error("the closed runtime has deregistered a descriptor of the next one")
	}
	twin.Close() // closes the descriptor of s too
	s.reactor = nil
	first.reactor.open--
}

// fakePoller is a poller without a kernel. A wait in it is a wait for a channel
// and a timer. So in a bubble of testing/synctest it takes no time.
type fakePoller struct {
	t      *testing.T
	bell   chan struct{} // has room for one
	events []event       // for the next wait
	err    error         // of the next wait
	waits  int
	rings  atomic.Int64
	closed atomic.Bool
}

func newFakePoller(t *testing.T) *fakePoller {
	return &fakePoller{t: t, bell: make(chan struct{}, 1)}
}

func (*fakePoller) add(int) error { return nil }
func (*fakePoller) remove(int)    {}

func (p *fakePoller) wait(timeout time.Duration) ([]event, error) {
	p.waits++
	if timeout != 0 && p.events == nil && p.err == nil {
		p.sleep(timeout)
	}
	events, err := p.events, p.err
	p.events, p.err = nil, nil
	return events, err
}

func (p *fakePoller) sleep(timeout time.Duration) {
	var late <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-p.bell:
	case <-late:
	}
}

func (p *fakePoller) notify() error {
	if p.closed.Load() {
		p.t.Error("the bell is rung after the poller was closed")
	}
	p.rings.Add(1)
	select {
	case p.bell <- struct{}{}:
	default:
	}
	return nil
}

func (p *fakePoller) close() {
	if p.closed.Swap(true) {
		p.t.Error("the poller is closed twice")
	}
}

func pollerOf(rt *Runtime) *fakePoller { return rt.reactor.poller.(*fakePoller) }

// Property 19: the wait is repeated, with what is left of the timeout.
func TestInterruptedWaitLosesNoTime(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		start := time.Now()
		rt.Trace.Park = func() {
			if time.Since(start) == 0 {
				pollerOf(rt).err = unix.EINTR
				time.Sleep(time.Minute) // of the hour that it's going to sleep
			}
		}
		blockOn(t, rt, Sleep(time.Hour))
		if got := time.Since(start); got != time.Hour {
			t.Errorf("a Sleep of 1h took %v", got)
		}
	})
}

func TestBrokenPollerIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		pollerOf(rt).err = unix.EBADF
		if _, err := BlockOn(rt, Sleep(time.Hour)); err == nil || err.Error() != "the runtime's poller is broken: bad file descriptor" {
			t.Errorf("BlockOn fails with %v, want a broken poller", err)
		}
	})
}

// Property 35.
func TestManyWakesRingOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		var wakers []Waker
		over := false
		wait := func(cx *Context) bool {
			if !over {
				wakers = append(wakers, cx.Waker())
			}
			return over
		}
		for range 1000 {
			SpawnRemote(rt, until(wait))
		}
		rt.Trace.Park = func() { // it has announced that it sleeps, and doesn't yet
			over = true
			for _, w := range wakers {
				w.Wake()
			}
		}
		blockOn(t, rt, until(wait))
		if n := pollerOf(rt).rings.Load(); n != 1 {
			t.Errorf("%d wakes rang %d times, want once", len(wakers), n)
		}
	})
}

// Property 35.
func TestWakeOfARuntimeThatIsAwakeDoesNotRing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			cx.Waker().Wake()
			polls++
			return polls == 1000
		}))
		if n := pollerOf(rt).rings.Load(); n != 0 {
			t.Errorf("%d rings, want none: the runtime wasn't parked", n)
		}
	})
}

// Property 35: awake again, whatever woke it, the runtime needs no bell.
func TestWakeAfterTheSleepDoesNotRing(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		blockOn(t, rt, Async(func(co *Co) int {
			Await(co, Sleep(time.Hour)) // a timer ends this sleep, not a bell
			for range 10 {
				waker := co.cx.Waker()
				waker.Wake()
				co.suspend()
			}
			return 1
		}))
		if n := pollerOf(rt).rings.Load(); n != 0 {
			t.Errorf("%d rings, want none: the runtime had woken up", n)
		}
	})
}

// lockedPoller complains when it's rung without the lock of the runtime.
type lockedPoller struct {
	*fakePoller
	runtime *Runtime
}

func (p lockedPoller) notify() error {
	if p.runtime.mu.TryLock() {
		p.runtime.mu.Unlock()
		p.t.Error("the bell is rung without the lock: its number may be another one's by now")
	}
	return p.fakePoller.notify()
}

// Property 24: Close waits until the ring is over.
func TestBellIsRungUnderTheLock(t *testing.T) {
	inBubble(t, func(t *testing.T, rt *Runtime) {
		rt.reactor.poller = lockedPoller{pollerOf(rt), rt}
		polls := 0
		blockOn(t, rt, until(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
			}
			return polls == 2
		}))
	})
}

// Property 35: an eventfd that is registered for writing too ends two waits.
func TestRingEndsOneWait(t *testing.T) {
	rt, parks, polls := openRuntime(t), 0, 0
	rt.Trace.Park = func() { parks++ }
	blockOn(t, rt, until(func(cx *Context) bool {
		w := cx.Waker()
		if polls++; polls <= 10 {
			go func() { // it wakes when the runtime sleeps
				for !rt.parked.Load() {
					time.Sleep(time.Millisecond)
				}
				w.Wake()
			}()
		}
		return polls > 10
	}))
	if parks != 10 {
		t.Errorf("the runtime parked %d times for 10 wakes, want 10", parks)
	}
}

// Property 35: a bell that isn't reset rings forever.
func TestBellIsResetByAWait(t *testing.T) {
	rt := openRuntime(t)
	for range 3 {
		rt.reactor.poller.notify()
		if events, err := rt.reactor.poller.wait(time.Second); len(events) > 0 || err != nil {
			t.Errorf("the bell is reported as %v, %v, want nothing", events, err)
		}
	}
	start := time.Now()
	rt.reactor.poller.wait(20 * time.Millisecond)
	if got := time.Since(start); got < 20*time.Millisecond {
		t.Errorf("a wait of 20ms took %v: the bell rings again, and nobody has rung it", got)
	}
}

// Property 34: if the timeout were rounded down, the last millisecond would be
// many waits.
func TestSleepIsOneWaitOrTwo(t *testing.T) {
	rt, parks := openRuntime(t), 0
	rt.Trace.Park = func() { parks++ }
	blockOn(t, rt, Sleep(990*time.Microsecond))
	if parks > 2 {
		t.Errorf("the runtime parked %d times for one Sleep", parks)
	}
}

// Property 13: neither a timer nor an event ends the wait.
func TestIdleRuntimeStaysAsleep(t *testing.T) {
	rt, polls := openRuntime(t), 0
	p := &countingPoller{poller: rt.reactor.poller}
	rt.reactor.poller = p
	s, _ := openStream(t, rt)
	reading := SpawnRemote(rt, s.Read(make([]byte, 1)))
	blockOn(t, rt, until(func(cx *Context) bool {
		if polls++; polls == 1 {
			time.AfterFunc(20*time.Millisecond, cx.Waker().Wake)
		}
		return polls == 2
	}))
	if p.waits > 4 { // one of them reports, once, that the stream is writable
		t.Errorf("the runtime asked the kernel %d times, although nothing happened", p.waits)
	}
	reading.Cancel()
}

// countingPoller counts its calls.
type countingPoller struct {
	poller
	adds, waits int
}

func (p *countingPoller) add(fd int) error {
	p.adds++
	return p.poller.add(fd)
}

func (p *countingPoller) wait(timeout time.Duration) ([]event, error) {
	p.waits++
	return p.poller.wait(timeout)
}

func TestAddressIsTheSameThereAndBack(t *testing.T) {
	for _, want := range []string{"127.0.0.1:5", "[::1]:80", "[fe80::1%1]:80", "[fe80::1%12]:80"} {
		to, err := sockaddr(netip.MustParseAddrPort(want))
		if got := addrPort(to); err != nil || got.String() != want {
			t.Errorf("%s becomes %v, %v", want, got, err)
		}
	}
}

func TestConnectedSocketSaysSo(t *testing.T) {
	s, _ := openStream(t, openRuntime(t))
	if err := connectResult(s.fd); err != nil {
		t.Errorf("the connect has failed with %v, want no failure", err)
	}
}
