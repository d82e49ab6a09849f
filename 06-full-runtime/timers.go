package main

import (
	"container/heap"
	"math"
	"time"
)

// timers is a heap of deadlines, the next one first. Only the runtime's
// goroutine uses it; the executor sleeps no longer than until the next.
type timers struct {
	heap  []*timer
	start time.Time // deadlines count from here: 8 bytes each instead of 24
	count uint32    // timers so far
}

type timer struct {
	deadline time.Duration // since timers.start
	order    uint32        // of creation: equal deadlines fire in this order
	index    int32         // in the heap
	waker    Waker         // nil when it has fired, or was removed
}

// add starts t, which fires d from now.
func (ts *timers) add(t *timer, d time.Duration, w Waker) {
	ts.count++
	deadline := time.Since(ts.start) + d
	if deadline < d {
		deadline = math.MaxInt64 // so far away that the sum is negative
	}
	*t = timer{deadline: deadline, order: ts.count, waker: w}
	heap.Push(ts, t)
}

// remove stops t. It leaves the heap at once, however far away its deadline.
func (ts *timers) remove(t *timer) {
	if t.waker != nil {
		heap.Remove(ts, int(t.index))
		t.waker = nil
	}
}

// untilNext returns how long to sleep until the first deadline, negative for ever.
func (ts *timers) untilNext() time.Duration {
	if len(ts.heap) == 0 {
		return -1
	}
	return max(ts.heap[0].deadline-time.Since(ts.start), 0)
}

// fire wakes those whose deadline has come, never one before, and at most so
// many: a million at once would be a queue of a million.
func (ts *timers) fire(trace *Trace, most int) {
	if len(ts.heap) == 0 {
		return
	}
	for now := time.Since(ts.start); most > 0 && len(ts.heap) > 0 && ts.heap[0].deadline <= now; most-- {
		t := heap.Pop(ts).(*timer)
		w := t.waker
		t.waker = nil
		trace.call(trace.Timer)
		wakeHere(w)
	}
}

// The methods of heap.Interface.

func (ts *timers) Len() int { return len(ts.heap) }

func (ts *timers) Less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	return a.deadline < b.deadline || a.deadline == b.deadline && a.order < b.order
}

func (ts *timers) Swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].index, ts.heap[j].index = int32(i), int32(j)
}

func (ts *timers) Push(x any) {
	t := x.(*timer)
	t.index = int32(len(ts.heap))
	ts.heap = append(ts.heap, t)
}

func (ts *timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	return t
}
