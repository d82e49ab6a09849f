package main

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

// A testFlow is a source that's never silent until it ends, and a sink. Neither
// of them stores anything, so it can be long.
type testFlow struct {
	size, read, written int
	bite                int // bytes that one Write takes; 0 is all
	stops               bool
	tired               bool  // has written, and will say EAGAIN once, if it stops
	heap                int64 // before
	kept                int64 // more than before, when a part has gone through
	asked               string
}

// Bytes of the heap that are in use.
func testHeap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

const testPart = 24 << 20

func (f *testFlow) Read(p []byte) (int, error) {
	n := min(len(p), f.size-f.read)
	if f.read < testPart && f.read+n >= testPart {
		if f.kept = testHeap() - f.heap; f.kept > testPart/4 {
			f.size = f.read // it's enough
			return 0, nil
		}
	}
	f.read += n
	return n, nil
}

func (f *testFlow) Write(p []byte) (int, error) {
	if f.tired {
		f.tired = false
		return -1, unix.EAGAIN
	}
	n := len(p)
	if f.bite > 0 {
		n = min(n, f.bite)
	}
	f.written, f.tired = f.written+n, f.stops
	return n, nil
}

func (f *testFlow) WakeWhenReadable() error { f.asked = "readable"; return nil }
func (f *testFlow) WakeWhenWritable() error { f.asked = "writable"; return nil }

// What has gone through is gone, and however much it is, it's counted.
func TestLongSource(t *testing.T) {
	check.Within(t, 5*time.Second, testWaits, func(t testing.TB) {
		for _, f := range []*testFlow{{size: testPart + 1<<20, bite: 10_000}, {size: testPart + 1<<20, stops: true}, {size: 1<<32 + 1<<31 + 77}} {
			f.heap = testHeap()
			r, polls := NewRelay(f, f), 1
			relayed, ready := r.Poll()
			for ; !ready && polls < 100_000; polls++ {
				relayed, ready = r.Poll()
			}
			if f.kept > testPart/4 {
				t.Fatalf("%d MiB went through, a sink has got them all, and the relay still holds %d MiB of memory, want one buffer: what keeps the bytes that were written?", testPart>>20, f.kept>>20)
			}
			if f.bite == 0 && !f.stops && polls > 2 {
				t.Fatalf("a source gave %d bytes, neither it nor the sink ever said EAGAIN, and that took %d polls, want one, or a second one for the end; at last, Poll asked for %s", f.size, polls, f.asked)
			}
			if relayed != (Relayed{N: f.size}) || !ready || f.written != f.size {
				t.Fatalf("a source gave %d bytes, the sink got %d, and after %d polls Poll gave %+v, %t, want {N:%d Err:<nil>}, true", f.size, f.written, polls, relayed, ready, f.size)
			}
		}
	})
}
