package main

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// pollFunc is a future made of its Poll.
type pollFunc[T any] func(*Context) (T, bool)

func (f pollFunc[T]) Poll(cx *Context) (T, bool) { return f(cx) }

// wakeFunc is a Waker made of its Wake.
type wakeFunc func()

func (f wakeFunc) Wake() { f() }

// mustEnd ends the process with the stacks of all goroutines if the test does
// not end: it would be of no use to wait for it.
func mustEnd(t *testing.T) { mustEndWithin(t, 10*time.Second) }

func mustEndWithin(t *testing.T, d time.Duration) {
	late := time.AfterFunc(d, func() {
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("%s hangs. All goroutines:\n%s", t.Name(), stacks[:runtime.Stack(stacks, true)]))
	})
	t.Cleanup(func() { late.Stop() })
}

// inBubble runs a test whose clock stands still while anybody can go on. If
// nobody can, and nothing will happen any more, the test fails at once.
func inBubble(t *testing.T, test func(t *testing.T)) {
	mustEnd(t)
	synctest.Test(t, test)
}

// openReactor closes the reactor at the end of the test.
func openReactor(t *testing.T) *Reactor {
	t.Helper()
	mustEnd(t)
	r, err := NewReactor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
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

func register(t *testing.T, r *Reactor, fd int, dir direction, w Waker) {
	t.Helper()
	if err := r.Register(fd, dir, w); err != nil {
		t.Error(err)
	}
}
