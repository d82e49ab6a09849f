package main

import (
	"container/list"
	"fmt"
)

// Semaphore lets at most so many tasks at a time have a permit; with one
// permit it is a mutex. It is for the tasks of one runtime. Unlike a
// sync.Mutex it may be held while the task waits: others wait, not the thread.
type Semaphore struct {
	what    string // is a permit: see deadlock
	free    int
	waiters list.List // of *Acquired, first in, first out
}

// NewSemaphore makes a semaphore with that many free permits.
func NewSemaphore(permits int) *Semaphore { return newSemaphore(permits, "a permit of a Semaphore") }

func newSemaphore(permits int, what string) *Semaphore { return &Semaphore{what: what, free: permits} }

// Acquired is the future that Acquire makes.
type Acquired struct {
	s     *Semaphore
	waker Waker         // while it is in the queue
	place *list.Element // there
	state acquireState
}

// asking → waiting → granted → taken; asking → taken
type acquireState int

const (
	asking acquireState = iota
	waiting
	granted // by Release, while nobody looked
	taken   // its Poll has returned true, or it was closed
)

// Acquire is ready when the caller has a permit, which Release gives back.
func (s *Semaphore) Acquire() *Acquired { return &Acquired{s: s} }

// Release gives a permit to who waits longest. It is handed over: somebody who
// comes now cannot overtake, so nobody waits for ever.
func (s *Semaphore) Release() {
	first := s.waiters.Front()
	if first == nil {
		s.free++
		return
	}
	a := s.waiters.Remove(first).(*Acquired)
	a.state = granted
	wakeHere(a.waker)
}

func (a *Acquired) Poll(cx *Context) (struct{}, bool) {
	switch {
	case a.state == taken:
		panic("Acquire polled after it finished")
	case a.state == granted:
		a.state = taken
		return struct{}{}, true
	case a.state == asking && a.s.free > 0:
		if !cx.task.runtime.mayTransfer(cx) {
			return struct{}{}, false // it has asked for nothing yet
		}
		a.s.free--
		a.state = taken
		return struct{}{}, true
	case a.state == asking:
		a.place = a.s.waiters.PushBack(a)
		a.state = waiting
	}
	a.waker, cx.task.waits = cx.waker, a.s
	return struct{}{}, false
}

// Close leaves the queue. A permit that was granted meanwhile goes on to the
// next: kept, it would be lost.
func (a *Acquired) Close() error {
	switch a.state {
	case granted:
		a.s.Release()
	case waiting:
		a.s.waiters.Remove(a.place)
	}
	a.state = taken
	return nil
}

// wakeAll makes all who wait look again at why they do. First it makes a list of
// them: a Wake may close one that waits, which leaves the queue.
func (s *Semaphore) wakeAll() {
	var wakers []Waker
	for e := s.waiters.Front(); e != nil; e = e.Next() {
		wakers = append(wakers, e.Value.(*Acquired).waker)
	}
	for _, w := range wakers {
		wakeHere(w)
	}
}

func (s *Semaphore) String() string {
	return fmt.Sprintf("%s (%d wait)", s.what, s.waiters.Len())
}
