package main

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

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
	cx, get := contextOf(r), NewHTTPGet(address(l), "/")
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
	cx, get := contextOf(r), NewHTTPGet(address(l), "/")
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
	arm(t, r.queue, other, toRead)
	checkEvents(t, r.queue, map[int]interest{other: toRead})
}

// Property 18.
func TestNumberThatIsUsedAgainIsArmedAfresh(t *testing.T) {
	r := idleReactor(t)
	cx := contextOf(r)
	old, _ := openPair(t)
	if err := cx.WakeWhenReadable(old); err != nil {
		t.Fatal(err)
	}
	cx.Forget(old)
	unix.Close(old)
	fd, peer := openPair(t)
	for fd != old && peer != old { // there was a smaller number
		fd, peer = openPair(t)
	}
	if err := cx.WakeWhenReadable(fd); err != nil {
		t.Fatal(err)
	}
	send(t, peer)
	checkEvents(t, r.queue, map[int]interest{fd: toRead})
}
