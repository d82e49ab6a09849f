package main

import (
	_ "embed"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed classify.go
var testSource string

const testWaits = "classify only looks at what it's given; does it wait for something?"

func TestClassify(t *testing.T) {
	random := check.Random(t)
	check.Instant(t, testWaits, func(t testing.TB) {
		check.Started(t, "classify.go", testSource)
		many := 2 + random.IntN(1<<16)
		for _, test := range []struct {
			what string
			n    int
			err  error
			want verdict
			why  string
		}{
			{"7 bytes", 7, nil, goOn, "bytes were read, however few they are"},
			{"1 byte", 1, nil, goOn, "a read may be as short as it likes, and isn't the last one for that"},
			{"many bytes", many, nil, goOn, "bytes were read"},
			{"65,536 bytes", 1 << 16, nil, goOn, "bytes were read, however many they are"},
			{"0 bytes and no error", 0, nil, ended, "it's how the kernel says that the other side has finished; it says so forever, so a program that takes it for \"not now\" asks forever"},
			{"EAGAIN", -1, unix.EAGAIN, notNow, "nothing has failed; there's nothing to read yet"},
			{"EWOULDBLOCK", -1, unix.EWOULDBLOCK, notNow, "it's another name for EAGAIN"},
			{"EINTR", -1, unix.EINTR, askAgain, "a signal came in between, and nothing was done"},
		} {
			if got := classify(test.n, test.err); got != test.want {
				t.Errorf("read returned %s: got %q, want %q: %s", test.what, got, test.want, test.why)
			}
		}
	})
}

// However many bytes came: each power of two, and the numbers beside it.
func TestManyBytesGoOn(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		if check.IsStub(testSource) {
			t.Skip("not tried: classify.go is not started")
		}
		for bit := range strconv.IntSize - 1 {
			for _, n := range []int{1<<bit - 1, 1 << bit, 1<<bit + 1} {
				if got := classify(n, nil); n > 0 && got != goOn {
					t.Fatalf("read returned %d bytes and no error: got %q, want %q: is the number kept in a type that's smaller than int?", n, got, goOn)
				}
			}
		}
	})
}

// An answer means the same at its first time and at its 70,000th, whatever came before.
func TestClassifyRemembersNothing(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		if check.IsStub(testSource) {
			t.Skip("not tried: classify.go is not started")
		}
		answers := []struct {
			what string
			n    int
			err  error
			want verdict
		}{
			{"7 bytes", 7, nil, goOn}, {"0 bytes and no error", 0, nil, ended}, {"EAGAIN", -1, unix.EAGAIN, notNow},
			{"EINTR", -1, unix.EINTR, askAgain}, {"ECONNRESET", -1, unix.ECONNRESET, failed},
		}
		for _, before := range answers {
			for time := range 70_000 {
				if got := classify(before.n, before.err); got != before.want {
					t.Fatalf("read returned %s, the time %d in a row: got %q, want %q: classify looks at its arguments, and at nothing else", before.what, time+1, got, before.want)
				}
			}
			for _, a := range answers {
				if got := classify(a.n, a.err); got != a.want {
					t.Fatalf("read returned %s, after %s had come 70,000 times: got %q, want %q: classify looks at its arguments, and at nothing else", a.what, before.what, got, a.want)
				}
			}
		}
	})
}

// What's printed or logged is a call of the kernel, and it may wait.
func TestClassifyPrintsNothing(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	check.Instant(t, testWaits, func(t testing.TB) {
		func() {
			stdout, stderr, logger := os.Stdout, os.Stderr, log.Writer()
			defer func() {
				os.Stdout, os.Stderr = stdout, stderr
				log.SetOutput(logger)
			}()
			os.Stdout, os.Stderr = file, file
			log.SetOutput(file)
			for code := unix.Errno(1); code < 134; code++ {
				classify(-1, code)
			}
			classify(0, nil)
			classify(7, nil)
		}()
		if printed, err := os.ReadFile(file.Name()); err != nil || len(printed) > 0 {
			first, _, _ := strings.Cut(string(printed), "\n")
			t.Fatalf("classify has printed %q: a call of the kernel, which waits if the terminal does; say what the answer means, and leave the rest to the caller", first)
		}
	})
}

func TestEveryOtherErrorFails(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		if check.IsStub(testSource) {
			t.Skip("not tried: classify.go is not started")
		}
		wrong := 0
		codes := []unix.Errno{unix.ECONNRESET, unix.ETIMEDOUT, unix.EBADF}
		for code := unix.Errno(1); code < 134; code++ {
			codes = append(codes, code)
		}
		for _, code := range codes {
			name := unix.ErrnoName(code)
			if name == "" || code == unix.EAGAIN || code == unix.EWOULDBLOCK || code == unix.EINTR || wrong == 3 {
				continue
			}
			if got := classify(-1, code); got != failed {
				t.Errorf("read returned %s (%v): got %q, want %q: it says neither \"not now\" nor \"ask again\", and it isn't how a peer finishes", name, code, got, failed)
				wrong++
			}
		}
	})
}
