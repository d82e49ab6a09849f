// want: once for each timer

package main

import (
	"container/heap"
	"reflect"
	"time"
)

// Timers knows which wakers to call, and when. Its zero value has no timers. One
// goroutine, the executor's, calls its methods, and is in them when it calls
// Wake, so they need no lock. A moment is a time since the start of the runtime.
type Timers struct {
	all     timerEntries
	started int // how many, for the order among equals
}

// Timer is one entry, so that Stop can find it.
type Timer struct {
	deadline time.Duration
	number   int
	waker    Waker // nil when it has fired or was stopped
	index    int   // -1 when it isn't in the heap
}

// Start makes the first Fire at the deadline or after it wake w, once.
func (ts *Timers) Start(deadline time.Duration, w Waker) *Timer {
	t := new(Timer)
	ts.started++
	*t = Timer{deadline: deadline, number: ts.started, waker: w}
	heap.Push(&ts.all, t)
	return t
}

// Stop makes sure that t doesn't wake anymore, and takes it out at once.
func (ts *Timers) Stop(t *Timer) {
	t.waker = nil
	if t.index >= 0 {
		heap.Remove(&ts.all, t.index)
	}
}

// Len returns how many there are that haven't fired and weren't stopped.
func (ts *Timers) Len() int { return len(ts.all) }

const dayLimit = 24 * time.Hour

// Wait returns for how many milliseconds the executor may sleep in the kernel, if
// nothing else happens. Less than 0 is forever.
func (ts *Timers) Wait(now time.Duration) int {
	if len(ts.all) == 0 {
		return -1
	}
	left := ts.all[0].deadline - now
	if left <= 0 {
		return 0
	}
	if left > dayLimit {
		return int(dayLimit / time.Millisecond)
	}
	return int((left + time.Millisecond - 1) / time.Millisecond)
}

// Fire calls the wakers whose deadline has come.
func (ts *Timers) Fire(now time.Duration) {
	var due []*Timer
	for len(ts.all) > 0 && ts.all[0].deadline <= now {
		due = append(due, heap.Pop(&ts.all).(*Timer))
	}
	woken := make(map[Waker]bool) // several wakes may share a poll
	for _, t := range due {
		w := t.waker
		if w == nil { // it was stopped by another one's Wake
			continue
		}
		t.waker = nil
		if reflect.TypeOf(w).Comparable() {
			if woken[w] {
				continue
			}
			woken[w] = true
		}
		w.Wake()
	}
}

// timerEntries is the heap.
type timerEntries []*Timer

func (e timerEntries) Len() int { return len(e) }

func (e timerEntries) Less(i, j int) bool {
	if e[i].deadline != e[j].deadline {
		return e[i].deadline < e[j].deadline
	}
	return e[i].number < e[j].number
}

func (e timerEntries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].index, e[j].index = i, j
}

func (e *timerEntries) Push(x any) {
	t := x.(*Timer)
	t.index = len(*e)
	*e = append(*e, t)
}

func (e *timerEntries) Pop() any {
	last := len(*e) - 1
	t := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	t.index = -1
	return t
}
