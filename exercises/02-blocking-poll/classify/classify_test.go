package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

func TestClassify(t *testing.T) {
	check.Within(t, 2*time.Second, "classify only looks at what it is given; does it wait for something?", func(t testing.TB) {
		if classify(7, nil) == "not started" {
			t.Fatal("classify.go is not started: whatever it is given, it answers \"not started\"")
		}
		for _, test := range []struct {
			what string
			n    int
			err  error
			want verdict
			why  string
		}{
			{"7 bytes", 7, nil, goOn, "bytes were read, however few they are"},
			{"1 byte", 1, nil, goOn, "a read may be as short as it likes, and is not the last one for that"},
			{"0 bytes and no error", 0, nil, ended, "it is how the kernel says that the other side has finished; it says so for ever, so whoever takes it for \"not now\" asks for ever"},
			{"EAGAIN", -1, unix.EAGAIN, notNow, "nothing has failed; there is nothing to read yet"},
			{"EWOULDBLOCK", -1, unix.EWOULDBLOCK, notNow, "it is another name for EAGAIN"},
			{"EINTR", -1, unix.EINTR, askAgain, "a signal came in between, and nothing was done"},
			{"ECONNRESET", -1, unix.ECONNRESET, failed, "the connection broke, which is not the same as a peer that has finished: what has come may be a part"},
			{"EBADF", -1, unix.EBADF, failed, "there is no such descriptor"},
			{"EPIPE", -1, unix.EPIPE, failed, "it is an error like any other"},
		} {
			if got := classify(test.n, test.err); got != test.want {
				t.Errorf("read returned %s: got %q, want %q: %s", test.what, got, test.want, test.why)
			}
		}
	})
}
