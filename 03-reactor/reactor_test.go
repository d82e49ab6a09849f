package main

import (
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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

func register(t *testing.T, r *Reactor, fd int, dir direction) {
	t.Helper()
	if err := r.Register(fd, dir); err != nil {
		t.Fatal(err)
	}
}

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

func wait(t *testing.T, r *Reactor) {
	t.Helper()
	within(t, "Wait", r.Wait)
	if r.broken != nil {
		t.Fatal(r.broken)
	}
}

// Property 14.
func TestWhatIsReadyBeforeItIsRegisteredEndsWait(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	send(t, peer)
	for range 3 { // nothing is read, so fd stays ready
		register(t, r, fd, readable)
		wait(t, r)
	}
}

// Property 15.
func TestEventBetweenReadAndRegisterEndsWait(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	for range 3 {
		drain(t, fd)
		send(t, peer)
		register(t, r, fd, readable)
		wait(t, r)
	}
}

// Property 16.
func TestWhatIsNotRegisteredAgainDoesNotEndWait(t *testing.T) {
	r := openReactor(t)
	a, peerOfA := openPair(t)
	b, peerOfB := openPair(t)
	send(t, peerOfA)
	register(t, r, a, readable)
	wait(t, r)
	send(t, peerOfB)
	register(t, r, b, readable)
	checkEvents(t, r.poller, map[int]directions{b: toRead})
}

// One future may read from a descriptor while another writes to it.
func TestBothDirectionsOfADescriptorMayBeWaitedFor(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	fill(t, fd)
	register(t, r, fd, writable)
	register(t, r, fd, readable)
	drain(t, peer)
	checkEvents(t, r.poller, map[int]directions{fd: toWrite})
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

// hopeless is a future that registers nothing, and gives up after so many polls.
type hopeless struct{ polls, most int }

func (h *hopeless) Poll(*Context) (struct{}, bool) {
	h.polls++
	return struct{}{}, h.polls == h.most
}

// Property 13: a reactor that is broken can tell only the futures that register.
func TestReactorIsClosedThenAFutureWaitsWithoutRegistering(t *testing.T) {
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	f := &hopeless{most: 1000}
	within(t, "BlockOn", func() {
		defer func() {
			if failure := recover(); failure == nil || f.polls > 2 {
				t.Errorf("after %d polls BlockOn panics with %v, want two polls, and what is wrong with the reactor", f.polls, failure)
			}
		}()
		BlockOn(r, f)
	})
}
