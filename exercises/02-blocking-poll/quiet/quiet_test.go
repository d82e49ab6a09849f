package main

import (
	"runtime"
	"testing"
	"testing/synctest"
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

// What isn't closed by time either: a day goes by in a bubble.
func TestPipeStaysOpenForADay(t *testing.T) {
	check.Bubble(t, 2*time.Second, testWaits, func(t testing.TB) {
		r, w := testPipe(t)
		defer testClose(r, w)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		for i, fd := range []int{r, w} {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
				t.Fatalf("a day later, descriptor %d (%s), which nothing here has closed, gives %v: both ends stay open until the caller closes them", fd, [2]string{"r", "w"}[i], err)
			}
		}
		if !testMayWait(t, r) && testMayWait(t, w) {
			return
		}
		t.Fatal("a day later, one of the ends has another setting than in the beginning: nothing here has changed it")
	})
}

// testRoom fills the pipe, and returns how many bytes it holds.
func testRoom(t testing.TB, w int) (room int) {
	t.Helper()
	if err := unix.SetNonblock(w, true); err != nil {
		t.Fatalf("descriptor %d, which openPipe returned: %v", w, err)
	}
	for piece := make([]byte, 512); room < 1<<24; {
		n, err := unix.Write(w, piece)
		if err != nil {
			return room
		}
		room += n
	}
	return room
}

// The writing end is compared with those of two plain pipes, one made before and
// one made after: the kernel may give less room when there are many pipes.
func TestWritingEndIsAsUnixPipeMakesIt(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		var before, after [2]int
		if err := unix.Pipe(before[:]); err != nil {
			t.Fatal(err)
		}
		r, w := testPipe(t)
		if err := unix.Pipe(after[:]); err != nil {
			t.Fatal(err)
		}
		defer testClose(r, w, before[0], before[1], after[0], after[1])
		if testMayWait(t, r) || !testMayWait(t, w) {
			t.Skip("not tried: it isn't the reading end that doesn't wait")
		}
		flags := func(fd, which int) int {
			flags, err := unix.FcntlInt(uintptr(fd), which, 0)
			if err != nil {
				t.Fatalf("descriptor %d: %v", fd, err)
			}
			return flags
		}
		if flags(w, unix.F_GETFD) != flags(before[1], unix.F_GETFD) {
			t.Fatal("w has another setting than unix.Pipe gives it: it's closed when the program starts another one, which then can't write to the pipe, and only the reading end has to change")
		}
		if got, want := flags(w, unix.F_GETFL), flags(before[1], unix.F_GETFL); got != want {
			t.Fatalf("w has the flags %#x, want %#x, as unix.Pipe gives it: only the reading end has to change", got, want)
		}
		if got, want := testRoom(t, w), min(testRoom(t, before[1]), testRoom(t, after[1])); got < want {
			t.Fatalf("the pipe is full after %d bytes, and a pipe of unix.Pipe after %d: only the reading end has to change, and a write waits when it needn't", got, want)
		}
	})
}

// 150 pipes at the same time: their descriptors go beyond 64, 128 and 256.
func TestManyPipes(t *testing.T) {
	check.Within(t, 2*time.Second, testWaits, func(t testing.TB) {
		var pipes [][2]int
		made := make(map[int]int)
		defer func() {
			for fd := range made {
				testClose(fd)
			}
		}()
		for i := range 150 {
			r, w, err := openPipe()
			if err != nil {
				t.Fatalf("%d pipes are open, and openPipe returned the error %q", i, err)
			}
			for _, fd := range []int{r, w} {
				if at, there := made[fd]; there {
					t.Fatalf("%d pipes are open, and openPipe returned descriptor %d, which call %d had returned and nothing here has closed: each call makes a pipe of its own", i, fd, at)
				}
				made[fd] = i + 1
			}
			pipes = append(pipes, [2]int{r, w})
			if testMayWait(t, r) {
				t.Fatalf("%d pipes are open, and a read from r of the next one, which is descriptor %d, waits: want EAGAIN, whatever the number is", i, r)
			}
			if !testMayWait(t, w) {
				t.Fatalf("%d pipes are open, and a write to w of the next one, which is descriptor %d, wouldn't wait: only the reading end has to change", i, w)
			}
			unix.Write(w, []byte{byte(i)})
		}
		for i, p := range pipes {
			buf := make([]byte, 2)
			if n, err := unix.Read(p[0], buf); n != 1 || err != nil || buf[0] != byte(i) {
				t.Fatalf("one byte was written to each of 150 pipes, and a read from pipe %d gave %d bytes, error %v: is each a pipe of its own?", i+1, n, err)
			}
			if n, err := unix.Read(p[0], buf); err != unix.EAGAIN {
				t.Fatalf("of 150 pipes, number %d is empty, and a read from it gave %d bytes, error %v, want EAGAIN", i+1, n, err)
			}
		}
	})
}
