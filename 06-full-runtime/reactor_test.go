package main

import (
	"testing"

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
