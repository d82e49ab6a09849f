// want: where was it when it was stopped
package main

import (
	"container/heap"
	"time"
)

// Timers knows who is to be woken when. Its zero value has no timers. One
// goroutine, the executor's, calls its methods, and is in them when it calls
// Wake; so it needs no lock. A moment is a time since the start of the runtime.
type Timers struct {
	heap  []*Timer // the next one first
	count int      // timers so far
}

// Timer is one entry, so that Stop can find it.
type Timer struct {
	deadline time.Duration
	order    int // of creation: equal deadlines fire in this order
	index    int // in the heap, or -1
	waker    Waker
}

// Start makes the first Fire at the deadline or after it wake w, once.
func (ts *Timers) Start(deadline time.Duration, w Waker) *Timer {
	ts.count++
	t := &Timer{deadline: deadline, order: ts.count, waker: w}
	heap.Push(ts, t)
	return t
}

// Stop makes t wake nobody any more, and takes it out at once.
func (ts *Timers) Stop(t *Timer) {
	if t.index >= 0 {
		heap.Remove(ts, t.index)
	}
}

// Len says how many there are that have not fired and were not stopped.
func (ts *Timers) Len() int { return len(ts.heap) }

// Wait says for how many milliseconds the executor may sleep in the kernel, if
// nothing else happens. Less than 0 is for ever.
func (ts *Timers) Wait(now time.Duration) int {
	if len(ts.heap) == 0 {
		return -1
	}
	left := min(max(ts.heap[0].deadline-now, 0), 24*time.Hour)
	return int((left + time.Millisecond - 1) / time.Millisecond)
}

// Fire wakes those whose deadline has come, one after the other. Who is younger
// than this Fire comes later.
func (ts *Timers) Fire(now time.Duration) {
	last := ts.count
	var later []*Timer
	for len(ts.heap) > 0 && ts.heap[0].deadline <= now {
		if t := heap.Pop(ts).(*Timer); t.order > last {
			later = append(later, t)
		} else {
			t.waker.Wake()
		}
	}
	for _, t := range later {
		heap.Push(ts, t)
	}
}

// The methods of heap.Interface, with Len.

func (ts *Timers) Less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	return a.deadline < b.deadline || a.deadline == b.deadline && a.order < b.order
}

func (ts *Timers) Swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].index, ts.heap[j].index = i, j
}

func (ts *Timers) Push(x any) {
	t := x.(*Timer)
	t.index = len(ts.heap)
	ts.heap = append(ts.heap, t)
}

func (ts *Timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.index = -1
	return t
}
