package main

import (
	"container/list"
	"errors"
)

// Channel is a bounded queue between the tasks of one runtime, on whose goroutine all methods run.
type Channel[T any] struct {
	size      int
	values    []T
	closed    bool
	senders   waitList // futures that wait for a place
	receivers waitList // futures that wait for a value
}

// ErrChannelClosed is what Send yields after Close.
var ErrChannelClosed = errors.New("send on a closed channel")

// NewChannel makes a channel that holds up to size values, and at least one.
func NewChannel[T any](size int) *Channel[T] { return &Channel[T]{size: max(size, 1)} }

// Send is ready when there was a place for value, or with ErrChannelClosed. It
// owns value from now on, and closes the value if it isn't sent.
func (c *Channel[T]) Send(value T) Future[error] { return &send[T]{channel: c, value: value} }

type send[T any] struct {
	channel *Channel[T] // nil once it has finished
	value   T
	waiter  waiter
}

func (s *send[T]) Poll(cx *Context) (error, bool) {
	c := s.channel
	mustBePending(c != nil, "Send")
	if c.closed {
		s.Close()
		return ErrChannelClosed, true
	}
	if !c.senders.takeTurn(&s.waiter, c.size-len(c.values), cx) {
		cx.waitsFor("a channel")
		return nil, false
	}
	s.channel = nil
	c.values = append(c.values, s.value)
	c.receivers.passTurn()
	return nil, true
}

func (s *send[T]) Close() error {
	if s.channel == nil {
		return nil
	}
	s.channel.senders.leave(&s.waiter)
	s.channel = nil
	return closeValue(s.value)
}

// Received is what Receive yields. OK is false if the channel is closed and empty.
type Received[T any] struct {
	Value T
	OK    bool
}

// Receive is ready when there's a value, in the order of Send.
func (c *Channel[T]) Receive() Future[Received[T]] { return &receive[T]{channel: c} }

type receive[T any] struct {
	channel *Channel[T] // nil once it has finished
	waiter  waiter
}

func (r *receive[T]) Poll(cx *Context) (got Received[T], ready bool) {
	c := r.channel
	mustBePending(c != nil, "Receive")
	if c.receivers.takeTurn(&r.waiter, len(c.values), cx) {
		got = Received[T]{c.take(), true}
	} else if !c.closed || len(c.values) > 0 {
		// All values here may be promised to other receivers. If such a receiver is
		// closed before it looks, its value is ours.
		cx.waitsFor("a channel")
		return got, false
	}
	r.Close()
	return got, true
}

func (r *receive[T]) Close() error {
	if r.channel != nil {
		r.channel.receivers.leave(&r.waiter)
		r.channel = nil
	}
	return nil
}

// TryReceive is Receive without a wait: ok is false if no value is free now, whether or not c is closed.
func (c *Channel[T]) TryReceive() (value T, ok bool) {
	if len(c.values) == c.receivers.turns { // all values are promised to waiting receivers
		return value, false
	}
	return c.take(), true
}

func (c *Channel[T]) take() T {
	value := c.values[0]
	clear(c.values[:1])
	c.values = c.values[1:]
	c.senders.passTurn()
	if c.closed && len(c.values) == 0 {
		c.receivers.wakeAll()
	}
	return value
}

// Close makes every Send fail, and Receive not OK once all values are gone. It closes no value.
func (c *Channel[T]) Close() error {
	c.closed = true
	c.senders.wakeAll()
	if len(c.values) == 0 {
		c.receivers.wakeAll()
	}
	return nil
}

// waitList is a queue of futures that wait for a turn, first in, first out. A
// turn is handed to one of them, so no other can overtake it. If that future is
// closed before it looks, the turn goes to the next.
type waitList struct {
	waiting list.List // of *waiter
	turns   int       // handed to futures that haven't looked yet
}

// waiter is a future's part in a waitList.
type waiter struct {
	cx      *Context      // of the latest poll
	place   *list.Element // in the queue, or nil
	hasTurn bool
}

// takeTurn reports whether w may go on: it was handed a turn, or more is free than there
// are turns handed out. If not, w is woken when it should ask again.
func (l *waitList) takeTurn(w *waiter, free int, cx *Context) bool {
	switch {
	case w.hasTurn:
		w.hasTurn = false
		l.turns--
		return true
	case w.place == nil && free > l.turns:
		return cx.takeBudget() // if it's spent, the task is queued, and w needs no place here
	case w.place == nil:
		w.place = l.waiting.PushBack(w)
	}
	w.cx = cx
	return false
}

// passTurn hands a turn that has become free to the first in the queue, if any.
func (l *waitList) passTurn() {
	if first := l.waiting.Front(); first != nil {
		w := first.Value.(*waiter)
		l.leave(w)
		w.hasTurn = true
		l.turns++
		w.cx.wake()
	}
}

func (l *waitList) leave(w *waiter) {
	if w.place != nil {
		l.waiting.Remove(w.place)
		w.place = nil
	}
	if w.hasTurn {
		w.hasTurn = false
		l.turns--
		l.passTurn() // or the turn would be lost
	}
}

// wakeAll makes all of them look again at what they wait for.
func (l *waitList) wakeAll() {
	for first := l.waiting.Front(); first != nil; first = l.waiting.Front() {
		w := first.Value.(*waiter)
		l.leave(w)
		w.cx.wake()
	}
}
