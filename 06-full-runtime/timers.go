package main

import (
	"math"
	"time"
)

// timers is a heap of deadlines: every entry comes before its children, the
// four entries from 4i+1 on, so the next deadline is at the top. Four children
// instead of two make the heap half as deep. Only the runtime's goroutine uses
// it, and the executor sleeps no longer than until the next deadline.
type timers struct {
	heap  []entry
	start time.Time // deadlines count from here: 8 bytes each instead of 24
	count uint32    // timers so far
}

type entry struct {
	deadline time.Duration
	timer    *timer
}

type timer struct {
	order uint32 // of creation: equal deadlines fire in this order
	index int32  // in the heap
	waker Waker  // nil once the timer has fired or was removed
}

// before compares the orders as a difference, so that they may wrap around.
func (e entry) before(other entry) bool {
	return e.deadline < other.deadline ||
		e.deadline == other.deadline && int32(e.timer.order-other.timer.order) < 0
}

// after returns the deadline that is d from now.
func (ts *timers) after(d time.Duration) time.Duration {
	deadline := time.Since(ts.start) + d
	if deadline < d {
		return math.MaxInt64 // so far away that the sum is negative
	}
	return deadline
}

// passed reports whether the deadline has come.
func (ts *timers) passed(deadline time.Duration) bool { return deadline <= time.Since(ts.start) }

// add starts t, which wakes w at the deadline.
func (ts *timers) add(t *timer, deadline time.Duration, w Waker) {
	ts.count++
	t.order, t.waker = ts.count, w
	ts.heap = append(ts.heap, entry{})
	ts.up(len(ts.heap)-1, entry{deadline, t})
}

// remove stops t. It leaves the heap at once, however far away its deadline is.
func (ts *timers) remove(t *timer) {
	if t.waker == nil {
		return
	}
	t.waker = nil
	last := len(ts.heap) - 1
	moved := ts.heap[last]
	ts.heap[last] = entry{}
	ts.heap = ts.heap[:last]
	if i := int(t.index); i < last {
		ts.down(i, moved)
		ts.up(int(moved.timer.index), moved)
	}
}

// up puts e at i, or above, where its parent comes before it.
func (ts *timers) up(i int, e entry) {
	for i > 0 && e.before(ts.heap[(i-1)/4]) {
		ts.put(i, ts.heap[(i-1)/4])
		i = (i - 1) / 4
	}
	ts.put(i, e)
}

// down puts e at i, or below, where it comes before its children.
func (ts *timers) down(i int, e entry) {
	for 4*i+1 < len(ts.heap) {
		first := 4*i + 1
		for child := first + 1; child < min(4*i+5, len(ts.heap)); child++ {
			if ts.heap[child].before(ts.heap[first]) {
				first = child
			}
		}
		if e.before(ts.heap[first]) {
			break
		}
		ts.put(i, ts.heap[first])
		i = first
	}
	ts.put(i, e)
}

func (ts *timers) put(i int, e entry) {
	ts.heap[i] = e
	e.timer.index = int32(i)
}

// untilNext returns how long to sleep until the first deadline, or a negative
// duration if there's none.
func (ts *timers) untilNext() time.Duration {
	if len(ts.heap) == 0 {
		return -1
	}
	return max(ts.heap[0].deadline-time.Since(ts.start), 0)
}

// fire wakes the tasks whose deadline has come, and never one before. It stops
// after limit of them: a million at once would make a run queue of a million.
func (ts *timers) fire(trace *Trace, limit int) {
	if len(ts.heap) == 0 {
		return
	}
	now := time.Since(ts.start)
	for ; limit > 0 && len(ts.heap) > 0 && ts.heap[0].deadline <= now; limit-- {
		t := ts.heap[0].timer
		w := t.waker
		ts.remove(t)
		trace.call(trace.Timer)
		wakeLocal(w)
	}
}
