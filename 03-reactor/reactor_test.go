package main

import "testing"

func register(t *testing.T, r *Reactor, fd int, dir direction) {
	t.Helper()
	if err := r.Register(fd, dir); err != nil {
		t.Fatal(err)
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
	checkEvents(t, r.queue, map[int]interest{b: toRead})
}

// One future may read what another writes to.
func TestBothDirectionsOfADescriptorMayBeWaitedFor(t *testing.T) {
	r := openReactor(t)
	fd, peer := openPair(t)
	fill(t, fd)
	register(t, r, fd, writable)
	register(t, r, fd, readable)
	drain(t, peer)
	checkEvents(t, r.queue, map[int]interest{fd: toWrite})
}
