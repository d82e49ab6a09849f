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

// A future that waits when the reactor closes would otherwise wait for ever.
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
		t.Errorf("the error is %v, want one that says that the reactor is closed", got.Err)
	}
	if get.fd != -1 {
		t.Error("the request has failed and keeps its descriptor")
	}
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
	r.Deregister(fd)
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

// bell is a Waker for tests, which can wait for its wakes one by one.
type bell chan struct{}

func newBell() bell { return make(bell, 1000) }

func (b bell) Wake() { b <- struct{}{} }

func (b bell) wait(t *testing.T) {
	t.Helper()
	within(t, "the wake", func() { <-b })
}

// letReactorCatchUp returns when the reactor has delivered all events so far.
func letReactorCatchUp(t *testing.T, r *Reactor) {
	t.Helper()
	for range 2 { // an event may be in the same batch, before the others
		fd, peer := openPair(t)
		woken := newBell()
		send(t, peer)
		register(t, r, fd, readable, woken)
		woken.wait(t)
	}
}

// Property 14.
func TestWhatIsReadyBeforeItIsRegisteredWakes(t *testing.T) {
	r, woken := openReactor(t), newBell()
	fd, peer := openPair(t)
	send(t, peer)
	for range 3 { // nobody reads, so it stays ready
		register(t, r, fd, readable, woken)
		woken.wait(t)
	}
}

// Property 15.
func TestEventBetweenReadAndRegisterWakes(t *testing.T) {
	r, woken := openReactor(t), newBell()
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
	r, woken := openReactor(t), newBell()
	fd, peer := openPair(t)
	register(t, r, fd, readable, woken)
	for range 3 { // nobody reads, and nobody registers again
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
	reader, writer := newBell(), newBell()
	fill(t, get.fd)
	register(t, r, get.fd, readable, reader)
	register(t, r, get.fd, writable, writer)
	reset(c)
	c.Close()
	reader.wait(t)
	writer.wait(t)
}

// Property 17: a writer that waits for room would be woken for ever.
func TestHalfCloseDoesNotWakeWriter(t *testing.T) {
	r, reader, writer := openReactor(t), newBell(), newBell()
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
		t.Errorf("the writer was woken %d times", len(writer))
	}
}

// Property 18.
func TestClosedRequestWakesNobody(t *testing.T) {
	r, l := openReactor(t), listen(t)
	woken := newBell()
	cx, get := &Context{waker: woken, reactor: r}, HTTPGet(address(l), "/").(*httpGet)
	c := pollAndAccept(t, cx, get, l)
	get.Close()
	letReactorCatchUp(t, r)
	before := len(woken)
	c.Close()
	letReactorCatchUp(t, r)
	if len(woken) != before {
		t.Errorf("%d wakes after Close", len(woken)-before)
	}
}

// Property 20.
func TestEveryOneOfManyIsWokenOnce(t *testing.T) {
	r, woken := openReactor(t), newBell()
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
		t.Errorf("%d wakes more than descriptors", len(woken))
	}
}
