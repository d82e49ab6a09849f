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
	q, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.close() })
	return q
}

func arm(t *testing.T, q *poller, fd int, want directions) {
	t.Helper()
	if err := q.arm(fd, want); err != nil {
		t.Fatal(err)
	}
}

// nextEvents waits for events, each descriptor's in one.
func nextEvents(t *testing.T, q *poller) map[int]directions {
	t.Helper()
	all := make(map[int]directions)
	within(t, "wait", func() {
		events, err := q.wait()
		for err == unix.EINTR {
			events, err = q.wait()
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

func checkEvents(t *testing.T, q *poller, want map[int]directions) {
	t.Helper()
	if diff := cmp.Diff(want, nextEvents(t, q)); diff != "" {
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
	q := openTestPoller(t)
	fd, peer := openPair(t)
	arm(t, q, fd, toRead)
	late := time.AfterFunc(10*time.Millisecond, func() { ignoringEINTR(unix.Write, peer, []byte("x")) })
	defer late.Stop()
	checkEvents(t, q, map[int]directions{fd: toRead})
}

// Property 14.
func TestWhatIsReadyBeforeItIsArmedIsReported(t *testing.T) {
	q := openTestPoller(t)
	fd, peer := openPair(t)
	send(t, peer)
	for range 3 { // nobody reads, so it stays ready
		arm(t, q, fd, toRead)
		checkEvents(t, q, map[int]directions{fd: toRead})
	}
}

// Property 16.
func TestWhatIsNotArmedAgainIsNotReportedAgain(t *testing.T) {
	q := openTestPoller(t)
	a, peerOfA := openPair(t)
	b, peerOfB := openPair(t)
	send(t, peerOfA)
	arm(t, q, a, toRead)
	checkEvents(t, q, map[int]directions{a: toRead})
	send(t, peerOfB)
	arm(t, q, b, toRead)
	checkEvents(t, q, map[int]directions{b: toRead})
}

// Property 16.
func TestOnlyWhatIsArmedIsReported(t *testing.T) {
	q := openTestPoller(t)
	fd, peer := openPair(t)
	send(t, peer)
	arm(t, q, fd, toBoth)
	checkEvents(t, q, map[int]directions{fd: toBoth})
	arm(t, q, fd, toWrite)
	checkEvents(t, q, map[int]directions{fd: toWrite})
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

// Property 17: epoll says HUP here, and not IN.
func TestHangUpOfAWriterWakesReader(t *testing.T) {
	q := openTestPoller(t)
	r, w := openPipe(t)
	defer unix.Close(r)
	arm(t, q, r, toRead)
	unix.Close(w)
	if got := nextEvents(t, q); !got[r][readable] {
		t.Errorf("events %v, want %d readable", got, r)
	}
}

// Property 17: epoll says ERR here, and not OUT.
func TestHangUpOfAReaderWakesWriter(t *testing.T) {
	q := openTestPoller(t)
	r, w := openPipe(t)
	defer unix.Close(w)
	fill(t, w)
	arm(t, q, w, toWrite)
	unix.Close(r)
	if got := nextEvents(t, q); !got[w][writable] {
		t.Errorf("events %v, want %d writable", got, w)
	}
}

// Property 17: a writer has nothing to hope for from a peer that only stopped
// to send.
func TestHalfCloseWakesReaderOnly(t *testing.T) {
	q := openTestPoller(t)
	fd, peer := openPair(t)
	fill(t, fd)
	arm(t, q, fd, toBoth)
	if err := unix.Shutdown(peer, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	checkEvents(t, q, map[int]directions{fd: toRead})
}

// Property 20.
func TestMoreEventsThanFitAreReportedLater(t *testing.T) {
	q := openTestPoller(t)
	n := 2*len(q.events) + 1
	got, want := make(map[int]directions), make(map[int]directions)
	for range n {
		fd, peer := openPair(t)
		send(t, peer)
		arm(t, q, fd, toRead)
		want[fd] = toRead
	}
	for range 3 {
		for fd, ready := range nextEvents(t, q) {
			got[fd] = ready
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events of three waits (-want +got):\n%s", diff)
	}
}

// Properties 13 and 16.
func TestThereIsAtMostOnePollForEachEvent(t *testing.T) {
	const events = 100
	if polls := hearOneByOne(t, events, func() {}); polls > events+1 {
		t.Errorf("%d polls, want at most %d: one for each event, and the first", polls, events+1)
	}
}

// Property 18.
func TestClosedRequestIsRegisteredNoMore(t *testing.T) {
	r, l := idleReactor(t), listen(t)
	cx, get := contextOf(r), HTTPGet(address(l), "/").(*httpGet)
	defer pollAndAccept(t, cx, get, l).Close()
	get.Close()
	if len(r.waiting) != 0 {
		t.Errorf("somebody still waits: %v", r.waiting)
	}
}

// Property 18: a duplicate, such as a child process may have, keeps in epoll
// what was closed before it was forgotten.
func TestClosedRequestIsReportedNoMore(t *testing.T) {
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
	for fd != old && peer != old { // there was a smaller number
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

// fill writes until fd is writable no more.
func fill(t *testing.T, fd int) { t.Helper(); exhaust(t, unix.Write, fd) }

// drain reads all that is there, so that the other end can be written again.
func drain(t *testing.T, fd int) { t.Helper(); exhaust(t, unix.Read, fd) }

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
	for range 3 { // nobody reads, so it stays ready
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

// One future may read what another writes to.
func TestBothDirectionsOfADescriptorMayBeWaitedFor(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	fill(t, fd)
	register(t, r, fd, writable)
	register(t, r, fd, readable)
	drain(t, peer)
	checkEvents(t, r.poller, map[int]directions{fd: toWrite})
}
