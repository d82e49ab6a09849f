package main

import (
	"math"
	"time"
)

// timers is a heap: each entry comes before its children, the four from 4i+1 on,
// so the next deadline is heap[0]. With four children it's half as deep as with
// two. Only the runtime's goroutine uses it.
type timers struct {
	heap  []entry
	start time.Time // deadlines count from here: 8 bytes each instead of 24
	count uint32    // of timers that were ever added
}

type entry struct {
	deadline time.Duration
	timer    *timer
}

type timer struct {
	order uint32 // of the latest add: equal deadlines fire in this order
	index int32  // in the heap
	waker Waker  // nil unless the timer is running
}

func (e entry) before(o entry) bool { // by difference, because order may wrap around
	return e.deadline < o.deadline || e.deadline == o.deadline && int32(e.timer.order-o.timer.order) < 0
}

func (ts *timers) now() time.Duration { return time.Since(ts.start) }

// after returns the deadline that is d from now (d isn't negative), or the latest possible one.
func (ts *timers) after(d time.Duration) time.Duration { return min(ts.now(), math.MaxInt64-d) + d }

// add starts t, which must not be running. It wakes w at the deadline.
func (ts *timers) add(t *timer, deadline time.Duration, w Waker) {
	ts.count++
	t.order, t.waker = ts.count, w
	ts.heap = append(ts.heap, entry{})
	ts.place(len(ts.heap)-1, entry{deadline, t})
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
	if int(t.index) < last {
		ts.place(int(t.index), moved)
	}
}

// place moves e up or down from i until the heap is in order again.
func (ts *timers) place(i int, e entry) {
	for i > 0 && e.before(ts.heap[(i-1)/4]) {
		ts.put(i, ts.heap[(i-1)/4])
		i = (i - 1) / 4
	}
	for 4*i+1 < len(ts.heap) {
		earliest := 4*i + 1
		for child := earliest + 1; child < min(4*i+5, len(ts.heap)); child++ {
			if ts.heap[child].before(ts.heap[earliest]) {
				earliest = child
			}
		}
		if e.before(ts.heap[earliest]) {
			break
		}
		ts.put(i, ts.heap[earliest])
		i = earliest
	}
	ts.put(i, e)
}

func (ts *timers) put(i int, e entry) {
	ts.heap[i] = e
	e.timer.index = int32(i)
}

// untilNext returns how long to sleep. A negative answer means without limit.
func (ts *timers) untilNext() time.Duration {
	if len(ts.heap) == 0 {
		return -1
	}
	return max(ts.heap[0].deadline-ts.now(), 0)
}

// fire wakes the tasks whose deadline has come, at most limit of them: a million at once
// would make a run queue of a million. The rest come with the next call.
func (ts *timers) fire(trace *Trace, limit int) {
	if len(ts.heap) == 0 {
		return
	}
	for now := ts.now(); limit > 0 && len(ts.heap) > 0 && ts.heap[0].deadline <= now; limit-- {
		t := ts.heap[0].timer
		w := t.waker
		ts.remove(t)
		trace.call(trace.Timer)
		wakeLocal(w)
	}
}

// Sleep is ready d after its first Poll, or at once if d isn't positive.
func Sleep(d time.Duration) Future[struct{}] { return &sleep{d: max(d, 0)} }

type sleep struct {
	d      time.Duration // the constant over, once it has finished
	timer  timer
	timers *timers // nil until the timer is started
}

const over = -1

func (s *sleep) Poll(cx *Context) (struct{}, bool) {
	mustBePending(s.d != over, "Sleep")
	if s.timers == nil && s.d > 0 {
		s.timers = cx.timers()
		s.timers.add(&s.timer, s.timers.after(s.d), cx.waker)
	}
	if s.timer.waker != nil { // it has been started and hasn't fired
		s.timer.waker = cx.waker
		cx.waitsFor("a timer")
		return struct{}{}, false
	}
	s.d = over
	return struct{}{}, true
}

// Close stops the timer.
func (s *sleep) Close() error {
	if s.timers != nil {
		s.timers.remove(&s.timer)
	}
	s.d = over
	return nil
}

// Yield is pending once, so that other tasks have a turn. Any later poll finds it ready.
func Yield() Future[struct{}] { return new(yield) }

type yield struct{ yielded bool }

func (y *yield) Poll(cx *Context) (struct{}, bool) {
	if !y.yielded {
		y.yielded = true
		cx.wake() // queued last
		return struct{}{}, false
	}
	return struct{}{}, true
}
