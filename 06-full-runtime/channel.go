package main

import "errors"

// Channel is a bounded queue between the tasks of one runtime.
type Channel[T any] struct {
	size      int
	values    []T
	closed    bool
	senders   waitList // a turn is a free place
	receivers waitList // a turn is a value
}

// ErrChannelClosed is what Send yields after Close.
var ErrChannelClosed = errors.New("send on a closed channel")

// NewChannel makes a channel that holds up to size values, and at least one.
func NewChannel[T any](size int) *Channel[T] { return &Channel[T]{size: max(size, 1)} }

// Send is ready when there was a place for value, or with ErrChannelClosed. It
// owns the value from now on. If it can't deliver the value, it closes it.
func (c *Channel[T]) Send(value T) Future[error] { return &send[T]{channel: c, value: value} }

type send[T any] struct {
	channel *Channel[T] // nil once it has finished
	value   T
	place   waiter
}

func (s *send[T]) Poll(cx *Context) (error, bool) {
	c := s.channel
	if c == nil {
		panic("Send polled after it finished")
	}
	if c.closed {
		s.Close()
		return ErrChannelClosed, true
	}
	free := c.size - len(c.values)
	if !c.senders.takeTurn(&s.place, free, cx) {
		cx.waitsFor("a place in a channel")
		return nil, false
	}
	s.channel = nil
	c.values = append(c.values, s.value)
	c.receivers.passTurn()
	return nil, true
}

func (s *send[T]) Close() error {
	c := s.channel
	if c == nil {
		return nil
	}
	s.channel = nil
	c.senders.leave(&s.place)
	return closeValue(s.value)
}

// Received is what Receive yields. OK is false if the channel is closed and
// empty, as in Go.
type Received[T any] struct {
	Value T
	OK    bool
}

// Close closes a value that has no receiver.
func (r Received[T]) Close() error { return closeValue(r.Value) }

// Receive is ready when there's a value, in the order of Send.
func (c *Channel[T]) Receive() Future[Received[T]] { return &receive[T]{channel: c} }

type receive[T any] struct {
	channel *Channel[T] // nil once it has finished
	place   waiter
}

func (r *receive[T]) Poll(cx *Context) (Received[T], bool) {
	c := r.channel
	if c == nil {
		panic("Receive polled after it finished")
	}
	if c.receivers.takeTurn(&r.place, len(c.values), cx) {
		r.channel = nil
		return Received[T]{c.take(), true}, true
	}
	// A value that is still there has been handed to another receiver. If that
	// one is closed before it looks, the value is ours.
	if c.closed && len(c.values) == 0 {
		r.Close()
		return Received[T]{}, true
	}
	cx.waitsFor("a value from a channel")
	return Received[T]{}, false
}

// Close waits no longer. A value that was handed over is for the next receiver.
func (r *receive[T]) Close() error {
	c := r.channel
	if c == nil {
		return nil
	}
	r.channel = nil
	c.receivers.leave(&r.place)
	return nil
}

// TryReceive is Receive for callers that can't wait. It leaves values alone that
// have been handed to waiting receivers.
func (c *Channel[T]) TryReceive() (value T, ok bool) {
	if len(c.values) == c.receivers.turns {
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
		c.receivers.wakeAll() // that was all
	}
	return value
}

// Close lets the values that were sent be received. After that, receivers are
// told that it was all.
func (c *Channel[T]) Close() error {
	c.closed = true
	c.senders.wakeAll()
	if len(c.values) == 0 {
		c.receivers.wakeAll()
	}
	return nil
}
