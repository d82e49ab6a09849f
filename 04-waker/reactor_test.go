package main

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// fill writes until fd isn't writable anymore.
func fill(t *testing.T, fd int) { t.Helper(); exhaust(t, unix.Write, fd) }

// drain reads all there is, so that the other end is writable again.
func drain(t *testing.T, fd int) { t.Helper(); exhaust(t, unix.Read, fd) }

// exhaust repeats a call until fd isn't ready for it anymore.
func exhaust(t *testing.T, call func(int, []byte) (int, error), fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = ignoringEINTR(call, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

func register(t *testing.T, r *Reactor, fd int, dir direction, w Waker) {
	t.Helper()
	if err := r.Register(fd, dir, w); err != nil {
		t.Error(err)
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

// A future that's waiting when the reactor closes would otherwise wait forever.
func TestCloseEndsAFutureThatWaitsWithAnError(t *testing.T) {
	r := openReactor(t)
	get := HTTPGet(address(listen(t)), "/").(*httpGet)
	var once sync.Once
	got := runToEnd(r, pollFunc[Response](func(cx *Context) (Response, bool) {
		response, ready := get.Poll(cx)
		if get.state == receiving {
			once.Do(func() { go r.Close() })
		}
		return response, ready
	}))
	if got.Err == nil || !strings.Contains(got.Err.Error(), "reactor is closed") {
		t.Errorf("got error %v, want one that says that the reactor is closed", got.Err)
	}
	if get.fd != -1 {
		t.Error("the request has failed, but its descriptor is still open")
	}
}

func TestRegisterAfterCloseFailsInWords(t *testing.T) {
	r := openReactor(t)
	fd, _ := openPair(t)
	r.Close()
	err := r.Register(fd, readable, NewParker())
	if err == nil || !strings.Contains(err.Error(), "reactor is closed") {
		t.Errorf("Register gives error %v, want one that says that the reactor is closed", err)
	}
}

func TestDeregisterAfterCloseIsHarmless(t *testing.T) {
	r := openReactor(t)
	fd, _ := openPair(t)
	register(t, r, fd, readable, NewParker())
	r.Close()
	r.Deregister(fd)
}

// Register and Close run at the same time: if Register succeeds, its waker is woken.
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

func openTestPoller(t *testing.T) *poller {
	t.Helper()
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close() })
	return p
}

func arm(t *testing.T, p *poller, fd int, want directions) {
	t.Helper()
	if err := p.arm(fd, want); err != nil {
		t.Fatal(err)
	}
}

// nextEvents waits for events, and merges those of the same descriptor.
func nextEvents(t *testing.T, p *poller) map[int]directions {
	t.Helper()
	all := make(map[int]directions)
	within(t, "wait", func() {
		events, err := p.wait()
		for err == unix.EINTR {
			events, err = p.wait()
		}
		if err != nil {
			t.Error(err)
		}
		for _, ev := range events {
			ready := all[ev.fd]
			for dir := range ready {
				ready[dir] = ready[dir] || ev.ready[dir]
			}
			all[ev.fd] = ready
		}
	})
	return all
}

func checkEvents(t *testing.T, p *poller, want map[int]directions) {
	t.Helper()
	if diff := cmp.Diff(want, nextEvents(t, p)); diff != "" {
		t.Errorf("events, by descriptor: readable, writable (-want +got):\n%s", diff)
	}
}

var (
	toRead  = directions{readable: true}
	toWrite = directions{writable: true}
	toBoth  = directions{readable: true, writable: true}
)

// Property 13.
func TestWaitSleepsUntilThereIsAnEvent(t *testing.T) {
	p := openTestPoller(t)
	fd, peer := openPair(t)
	arm(t, p, fd, toRead)
	late := time.AfterFunc(10*time.Millisecond, func() { ignoringEINTR(unix.Write, peer, []byte("x")) })
	defer late.Stop()
	checkEvents(t, p, map[int]directions{fd: toRead})
}

// Property 14.
func TestWhatIsReadyBeforeItIsArmedIsReported(t *testing.T) {
	p := openTestPoller(t)
	fd, peer := openPair(t)
	send(t, peer)
	for range 3 { // nothing is read, so fd stays ready
		arm(t, p, fd, toRead)
		checkEvents(t, p, map[int]directions{fd: toRead})
	}
}

// Property 16.
func TestWhatIsNotArmedAgainIsNotReportedAgain(t *testing.T) {
	p := openTestPoller(t)
	a, peerOfA := openPair(t)
	b, peerOfB := openPair(t)
	send(t, peerOfA)
	arm(t, p, a, toRead)
	checkEvents(t, p, map[int]directions{a: toRead})
	send(t, peerOfB)
	arm(t, p, b, toRead)
	checkEvents(t, p, map[int]directions{b: toRead})
}

// Property 16.
func TestOnlyWhatIsArmedIsReported(t *testing.T) {
	p := openTestPoller(t)
	fd, peer := openPair(t)
	send(t, peer)
	arm(t, p, fd, toBoth)
	checkEvents(t, p, map[int]directions{fd: toBoth})
	arm(t, p, fd, toWrite)
	checkEvents(t, p, map[int]directions{fd: toWrite})
}

func openPipe(t *testing.T) (r, w int) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	for _, fd := range p {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return p[0], p[1]
}

// Property 17: epoll reports HUP here, but not IN.
func TestHangUpOfAWriterWakesReader(t *testing.T) {
	p := openTestPoller(t)
	r, w := openPipe(t)
	defer unix.Close(r)
	arm(t, p, r, toRead)
	unix.Close(w)
	if got := nextEvents(t, p); !got[r][readable] {
		t.Errorf("the events are %v, want descriptor %d readable", got, r)
	}
}

// Property 17: epoll reports ERR here, but not OUT.
func TestHangUpOfAReaderWakesWriter(t *testing.T) {
	p := openTestPoller(t)
	r, w := openPipe(t)
	defer unix.Close(w)
	fill(t, w)
	arm(t, p, w, toWrite)
	unix.Close(r)
	if got := nextEvents(t, p); !got[w][writable] {
		t.Errorf("the events are %v, want descriptor %d writable", got, w)
	}
}

// Property 17: a peer that has only stopped sending doesn't make room to write.
func TestHalfCloseWakesReaderOnly(t *testing.T) {
	p := openTestPoller(t)
	fd, peer := openPair(t)
	fill(t, fd)
	arm(t, p, fd, toBoth)
	if err := unix.Shutdown(peer, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	checkEvents(t, p, map[int]directions{fd: toRead})
}

// Property 20.
func TestMoreEventsThanFitAreReportedLater(t *testing.T) {
	p := openTestPoller(t)
	n := 2*len(p.events) + 1
	got, want := make(map[int]directions), make(map[int]directions)
	for range n {
		fd, peer := openPair(t)
		send(t, peer)
		arm(t, p, fd, toRead)
		want[fd] = toRead
	}
	for range 3 {
		for fd, ready := range nextEvents(t, p) {
			got[fd] = ready
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events of three waits, by descriptor (-want +got):\n%s", diff)
	}
}

// Properties 13 and 16.
func TestThereIsAtMostOnePollForEachEvent(t *testing.T) {
	const events = 100
	if polls := hearOneByOne(t, events, func() {}); polls > events+1 {
		t.Errorf("%d polls, want at most %d: the first one, and one for each event", polls, events+1)
	}
}

// Property 18.
func TestClosedRequestIsNoLongerRegistered(t *testing.T) {
	r, l := idleReactor(t), listen(t)
	cx, get := contextOf(r), HTTPGet(address(l), "/").(*httpGet)
	defer pollAndAccept(t, cx, get, l).Close()
	get.Close()
	if len(r.waiting) != 0 {
		t.Errorf("the request is closed, but the reactor still waits for %v", r.waiting)
	}
}

// Property 18: if a descriptor is closed before it's deregistered, a duplicate, such as a
// child process may have, keeps it in epoll.
func TestClosedRequestIsNoLongerReported(t *testing.T) {
	r, l := idleReactor(t), listen(t)
	cx, get := contextOf(r), HTTPGet(address(l), "/").(*httpGet)
	c := pollAndAccept(t, cx, get, l)
	defer c.Close()
	duplicate, err := unix.Dup(get.fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(duplicate)
	get.Close()
	io.WriteString(c, hello)
	other, peer := openPair(t)
	send(t, peer)
	arm(t, r.poller, other, toRead)
	checkEvents(t, r.poller, map[int]directions{other: toRead})
}

// Property 18.
func TestNumberThatIsUsedAgainIsArmedAfresh(t *testing.T) {
	r := idleReactor(t)
	cx := contextOf(r)
	old, _ := openPair(t)
	if err := cx.WakeWhenReadable(old); err != nil {
		t.Fatal(err)
	}
	cx.Deregister(old)
	unix.Close(old)
	fd, peer := openPair(t)
	for fd != old && peer != old { // a smaller number was free
		fd, peer = openPair(t)
	}
	if err := cx.WakeWhenReadable(fd); err != nil {
		t.Fatal(err)
	}
	send(t, peer)
	checkEvents(t, r.poller, map[int]directions{fd: toRead})
}

// alarm is a Waker for tests that wait for its wakes one by one.
type alarm chan struct{}

func newAlarm() alarm { return make(alarm, 1000) }

func (a alarm) Wake() { a <- struct{}{} }

func (a alarm) wait(t *testing.T) {
	t.Helper()
	within(t, "the wake", func() { <-a })
}

// letReactorCatchUp returns when the reactor has delivered all the events so far.
func letReactorCatchUp(t *testing.T, r *Reactor) {
	t.Helper()
	for range 2 { // an event may be in the same batch, before the others
		fd, peer := openPair(t)
		woken := newAlarm()
		send(t, peer)
		register(t, r, fd, readable, woken)
		woken.wait(t)
	}
}

// Property 14.
func TestWhatIsReadyBeforeItIsRegisteredWakes(t *testing.T) {
	r, woken := openReactor(t), newAlarm()
	fd, peer := openPair(t)
	send(t, peer)
	for range 3 { // nothing is read, so fd stays ready
		register(t, r, fd, readable, woken)
		woken.wait(t)
	}
}

// Property 15.
func TestEventBetweenReadAndRegisterWakes(t *testing.T) {
	r, woken := openReactor(t), newAlarm()
	fd, peer := openPair(t)
	for range 3 {
		drain(t, fd)
		send(t, peer)
		letReactorCatchUp(t, r)
		register(t, r, fd, readable, woken)
		woken.wait(t)
	}
}

// Property 16.
func TestOneEventIsOneWake(t *testing.T) {
	r, woken := openReactor(t), newAlarm()
	fd, peer := openPair(t)
	register(t, r, fd, readable, woken)
	for range 3 { // fd isn't read, and isn't registered again
		send(t, peer)
		letReactorCatchUp(t, r)
	}
	if len(woken) != 1 {
		t.Errorf("%d wakes, want 1", len(woken))
	}
}

// Property 17.
func TestResetWakesReaderAndWriter(t *testing.T) {
	r, l := openReactor(t), listen(t)
	cx, get := contextOf(r), HTTPGet(address(l), "/").(*httpGet)
	c := pollAndAccept(t, cx, get, l)
	defer get.Close()
	reader, writer := newAlarm(), newAlarm()
	fill(t, get.fd)
	register(t, r, get.fd, readable, reader)
	register(t, r, get.fd, writable, writer)
	reset(c)
	c.Close()
	reader.wait(t)
	writer.wait(t)
}

// Property 17: a writer that waits for room would be woken again and again, for nothing.
func TestHalfCloseDoesNotWakeWriter(t *testing.T) {
	r, reader, writer := openReactor(t), newAlarm(), newAlarm()
	fd, peer := openPair(t)
	fill(t, fd)
	register(t, r, fd, readable, reader)
	register(t, r, fd, writable, writer)
	if err := unix.Shutdown(peer, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	reader.wait(t)
	letReactorCatchUp(t, r)
	if len(writer) != 0 {
		t.Errorf("the writer was woken %d times, want none: there is still no room", len(writer))
	}
}

// Property 18.
func TestClosedRequestCausesNoWake(t *testing.T) {
	r, l := openReactor(t), listen(t)
	woken := newAlarm()
	cx, get := &Context{waker: woken, reactor: r}, HTTPGet(address(l), "/").(*httpGet)
	c := pollAndAccept(t, cx, get, l)
	get.Close()
	letReactorCatchUp(t, r)
	before := len(woken)
	c.Close()
	letReactorCatchUp(t, r)
	if len(woken) != before {
		t.Errorf("%d wakes after Close, want none", len(woken)-before)
	}
}

// Property 20.
func TestEachOfManyDescriptorsIsWokenOnce(t *testing.T) {
	r, woken := openReactor(t), newAlarm()
	n := 2*len(r.poller.events) + 1
	for range n {
		fd, peer := openPair(t)
		send(t, peer)
		register(t, r, fd, readable, woken)
	}
	for range n {
		woken.wait(t)
	}
	letReactorCatchUp(t, r)
	if len(woken) != 0 {
		t.Errorf("there were %d more wakes than descriptors, want one wake for each", len(woken))
	}
}

// Property 18: a future that couldn't register has nothing to deregister.
func TestRegisterFailsThenTheNumberIsUsedAgain(t *testing.T) {
	r := idleReactor(t)
	cx := contextOf(r)
	old, _ := openPair(t)
	unix.Close(old)
	if err := cx.WakeWhenReadable(old); err == nil {
		t.Fatal("a closed descriptor was registered")
	}
	fd, peer := openPair(t)
	for fd != old && peer != old { // a smaller number was free
		fd, peer = openPair(t)
	}
	if fd != old {
		fd, peer = peer, fd
	}
	send(t, peer) // nothing waits for it
	if err := cx.WakeWhenWritable(fd); err != nil {
		t.Fatal(err)
	}
	checkEvents(t, r.poller, map[int]directions{fd: toWrite})
}
