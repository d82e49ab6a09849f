package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// openReactor closes the reactor at the end of the test.
func openReactor(t *testing.T) *Reactor {
	t.Helper()
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// idleReactor is one for which nobody waits but the test.
func idleReactor(t *testing.T) *Reactor { return openReactor(t) }

func contextOf(r *Reactor) *Context { return &Context{reactor: r} }

// newContext is for tests that poll by hand.
func newContext(t *testing.T) *Context { return contextOf(openReactor(t)) }

// runOne polls f to its end.
func runOne[T any](t *testing.T, f Future[T]) T {
	t.Helper()
	return runAll(t, f)[0]
}

// runAll polls futures to their end, beside each other.
func runAll[T any](t *testing.T, futures ...Future[T]) (values []T) {
	t.Helper()
	r := openReactor(t)
	within(t, "BlockOn", func() { values = BlockOn(r, JoinAll(futures...)) })
	return values
}

// openPair returns two connected sockets; on neither does a call wait.
func openPair(t *testing.T) (fd, peer int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	return pair[0], pair[1]
}

// send makes the other end of fd readable.
func send(t *testing.T, fd int) {
	t.Helper()
	if _, err := retry(unix.Write, fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

// fill writes until fd is writable no more.
func fill(t *testing.T, fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = retry(unix.Write, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}

// drain reads all that is there, so that the other end can be written again.
func drain(t *testing.T, fd int) {
	t.Helper()
	for err := error(nil); err != unix.EAGAIN; {
		if _, err = retry(unix.Read, fd, make([]byte, 1<<16)); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
	}
}
