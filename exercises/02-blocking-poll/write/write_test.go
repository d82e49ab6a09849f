package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testBlocks = "Poll must return at EAGAIN; does it ask again and again without returning?"

// A testPeer takes what its script says, in this order: so many bytes, or an
// error. Without a script it takes everything.
type testPeer struct {
	script []any
	got    string
	calls  []string
}

func (p *testPeer) write(fd int, b []byte) (int, error) {
	answer := any(len(b))
	if len(p.script) > 0 {
		answer, p.script = p.script[0], p.script[1:]
	}
	if err, ok := answer.(error); ok {
		p.calls = append(p.calls, fmt.Sprintf("%s: %s", b, unix.ErrnoName(err.(unix.Errno))))
		return -1, err
	}
	n := min(answer.(int), len(b))
	p.got += string(b[:n])
	p.calls = append(p.calls, fmt.Sprintf("%s: %d", b, n))
	return n, nil
}

// wrote tells what was tried to write, and what came of it.
func (p *testPeer) wrote() string { return strings.Join(p.calls, ", ") }

// testPollAll polls until w is ready, and at most so often that each step of the
// script may have a poll of its own.
func testPollAll(t testing.TB, w *WriteAll, p *testPeer) Written {
	t.Helper()
	limit := len(p.script) + 3
	for range limit {
		if written, ready := w.Poll(new(Context)); ready {
			return written
		} else if written != (Written{}) {
			t.Fatalf("a pending Poll gave %+v beside false, want the zero value (calls: %s)", written, p.wrote())
		}
	}
	if len(p.calls) == 0 {
		t.Fatalf("write.go is not started: after %d polls nothing was written", limit)
	}
	t.Fatalf("still pending after %d polls; the peer got %q and would take more (calls: %s)", limit, p.got, p.wrote())
	return Written{}
}

func TestWriteThatIsTakenWhole(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		p := new(testPeer)
		w := NewWriteAll(p.write, 7, []byte("abcdef"))
		if len(p.calls) > 0 {
			t.Fatal("NewWriteAll has written before anybody polled: a future is lazy")
		}
		if written := testPollAll(t, w, p); p.got != "abcdef" || written != (Written{N: 6}) {
			t.Errorf("the peer got %q and WriteAll says %+v, want abcdef and {N:6 Err:<nil>}", p.got, written)
		}
	})
}

func TestPartialWrites(t *testing.T) {
	for _, script := range [][]any{
		{2}, {2, 1}, {1, 1, 1, 1, 1}, {5},
		{2, unix.EAGAIN}, {unix.EAGAIN, 2, unix.EAGAIN, unix.EAGAIN, 3},
		{2, unix.EINTR}, {unix.EINTR, unix.EINTR, 2, unix.EAGAIN, unix.EINTR, 1},
	} {
		check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
			p := &testPeer{script: script}
			written := testPollAll(t, NewWriteAll(p.write, 7, []byte("abcdef")), p)
			if p.got != "abcdef" {
				t.Fatalf("of \"abcdef\" the peer got %q: each write goes on where the one before ended, and n says where (calls: %s)", p.got, p.wrote())
			}
			if written != (Written{N: 6}) {
				t.Errorf("the peer got all 6 bytes, and WriteAll says %+v, want {N:6 Err:<nil>} (calls: %s)", written, p.wrote())
			}
		})
	}
}

func TestPollReturnsAtEAGAIN(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		p := &testPeer{script: []any{unix.EAGAIN, 6}}
		if written, ready := NewWriteAll(p.write, 7, []byte("abcdef")).Poll(new(Context)); ready || len(p.calls) != 1 {
			t.Errorf("the peer said EAGAIN, and Poll gave %+v, %t after %d calls, want false after one: the next poll asks again (calls: %s)", written, ready, len(p.calls), p.wrote())
		}
	})
}

func TestEINTRIsRepeatedAtOnce(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		p := &testPeer{script: []any{unix.EINTR, unix.EINTR, 6}}
		if written, ready := NewWriteAll(p.write, 7, []byte("abcdef")).Poll(new(Context)); !ready || written != (Written{N: 6}) {
			t.Errorf("after EINTR twice the peer would have taken all, and Poll gave %+v, %t, want {N:6 Err:<nil>}, true: nobody is waited for, so the call is repeated in the same Poll (calls: %s)", written, ready, p.wrote())
		}
	})
}

func TestErrorAfterAPart(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		p := &testPeer{script: []any{2, unix.EAGAIN, unix.EPIPE}}
		if written := testPollAll(t, NewWriteAll(p.write, 7, []byte("abcdef")), p); written.N != 2 || !errors.Is(written.Err, unix.EPIPE) {
			t.Errorf("the peer took 2 bytes and was gone, and WriteAll says %+v, want {N:2 Err:broken pipe} (calls: %s)", written, p.wrote())
		}
	})
}

func TestNothingToWrite(t *testing.T) {
	check.Within(t, 2*time.Second, testBlocks, func(t testing.TB) {
		p := new(testPeer)
		if written, ready := NewWriteAll(p.write, 7, nil).Poll(new(Context)); !ready || written != (Written{}) {
			t.Errorf("there was nothing to write, and the first Poll gave %+v, %t, want {N:0 Err:<nil>}, true", written, ready)
		}
	})
}
