package main

import (
	_ "embed"
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
