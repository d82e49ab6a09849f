package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

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
	cx, get := contextOf(r), NewHTTPGet(address(l), "/")
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
	cx, get := &Context{waker: woken, reactor: r}, NewHTTPGet(address(l), "/")
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
	n := 2*len(r.queue.events) + 1
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
