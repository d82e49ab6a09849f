package main

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testWaits = "a read or a write waits for something that doesn't come"

func testPipe(t testing.TB) (r, w int) {
	t.Helper()
	r, w, err := openPipe()
	if err != nil {
		t.Fatalf("openPipe returned the error %q", err)
	}
	return r, w
}

func testClose(fds ...int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// testMayWait reports whether calls on fd wait.
func testMayWait(t testing.TB, fd int) bool {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		t.Fatalf("descriptor %d, which openPipe returned: %v", fd, err)
	}
	return flags&unix.O_NONBLOCK == 0
}

func TestEmptyPipeSaysNotNow(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(r, w)
		if testMayWait(t, r) && (r > w || testMayWait(t, w)) {
			t.Fatal("pipe.go is not started, or its line does something else: a read from r still waits while the pipe is empty")
		} else if testMayWait(t, r) {
			t.Fatal("a read from r still waits while the pipe is empty, and a write to w doesn't: which end is which?")
		}
		n, err := unix.Read(r, make([]byte, 8))
		if err != unix.EAGAIN {
			t.Fatalf("nothing was written yet, and a read from r gave %d bytes, error %v, want EAGAIN: is w still open?", n, err)
		}
	})
}

func TestPipeCarriesBytes(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(r, w)
		if n, err := unix.Write(w, []byte("tea")); n != 3 || err != nil {
			t.Fatalf("a write of 3 bytes to w gave %d, error %v: is w the writing end?", n, err)
		}
		buf := make([]byte, 8)
		if n, err := unix.Read(r, buf); string(buf[:max(n, 0)]) != "tea" || err != nil {
			t.Fatalf("\"tea\" was written to w, and a read from r gave %q, error %v", buf[:max(n, 0)], err)
		}
		unix.Write(w, []byte("tea "))
		unix.Write(w, []byte("and toast"))
		for _, want := range []string{"te", "a ", "an", "d ", "to", "as", "t"} {
			if n, err := unix.Read(r, buf[:2]); string(buf[:max(n, 0)]) != want {
				t.Fatalf("\"tea \" and \"and toast\" were written to w, and one of the reads of two bytes gave %q, error %v, want %q: a pipe is a stream, and what one read leaves, the next one gets", buf[:max(n, 0)], err, want)
			}
		}
		var stat unix.Stat_t
		if err := unix.Fstat(r, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
			t.Fatalf("r isn't the end of a pipe (fstat gives the mode %o, error %v): is it a socket?", stat.Mode, err)
		}
	})
}

func TestWritingEndStillWaits(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(r, w)
		if r < w && !testMayWait(t, w) {
			t.Fatal("a write to the full pipe wouldn't wait: only the reading end has to change, not the writing end")
		}
	})
}

func TestEndOfThePipe(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(r)
		unix.Close(w)
		if testMayWait(t, r) {
			t.Skip("not tried: a read from r waits")
		}
		if n, err := unix.Read(r, make([]byte, 8)); n != 0 || err != nil {
			t.Fatalf("after the writer was closed, a read from r gave %d, error %v, want 0 bytes and no error: does another descriptor still write to this pipe?", n, err)
		}
	})
}

// A pipe without a reader refuses what's written.
func TestReaderThatIsClosed(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(w)
		unix.Close(r)
		if n, err := unix.Write(w, []byte("tea")); err != unix.EPIPE {
			t.Fatalf("after r was closed, a write to w gave %d, error %v, want EPIPE: does another descriptor still read from this pipe?", n, err)
		}
	})
}

// Descriptors are numbers. An os.File around one of them closes it when the garbage collector finds it.
func TestPipeStaysOpen(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(r, w)
		for range 20 {
			runtime.GC()
			time.Sleep(5 * time.Millisecond)
			for _, fd := range []int{r, w} {
				if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
					t.Fatalf("the garbage collector has run, and descriptor %d, which openPipe returned and nothing here has closed, gives %v: does something else own it?", fd, err)
				}
			}
		}
	})
}

func TestEachCallMakesAPipe(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		r1, w1 := testPipe(t)
		r2, w2 := testPipe(t)
		defer testClose(r1, w1)
		if r1 == r2 || w1 == w2 {
			t.Fatalf("two calls gave the descriptors %d, %d and %d, %d: each call makes a pipe of its own", r1, w1, r2, w2)
		}
		testClose(r2, w2)
	})
}
