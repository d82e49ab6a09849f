// want: The other two have to be woken

package main

import (
	"errors"
	"slices"
)

// ErrClosed is what Send yields on a closed channel.
var ErrClosed = errors.New("send on a closed channel")

// Received is what Receive yields.
type Received[T any] struct {
	Value T
	OK    bool // false if the channel is closed and has nothing left
}

// Channel hands values from one task to another. It has no place to keep one. All
// of this happens on one goroutine, so there's no lock.
type Channel[T any] struct {
	senders   []*send[T]    // that wait, in order
	receivers []*receive[T] // that wait, in order; if there are any, no sender waits
	returned  []T           // was given to receivers that were closed before they looked
	closed    bool
}

// NewChannel makes a channel.
func NewChannel[T any]() *Channel[T] { return &Channel[T]{} }

// Send is ready once a receiver has been given the value, with nil, or with
// ErrClosed.
func (c *Channel[T]) Send(value T) Future[error] { return &send[T]{channel: c, value: value} }

// Receive is ready with the value of a Send, or when the channel is closed.
func (c *Channel[T]) Receive() Future[Received[T]] { return &receive[T]{channel: c} }

// give gives value to the first receiver that waits. There's one.
func (c *Channel[T]) give(value T) {
	r := c.receivers[0]
	c.receivers = c.receivers[1:]
	r.waiting = false
	r.value, r.given = value, true
	r.waker.Wake()
}

// giveBack takes a value from a receiver that won't look anymore.
func (c *Channel[T]) giveBack(value T) {
	if len(c.receivers) > 0 && !c.closed {
		c.give(value)
		return
	}
	c.returned = append(c.returned, value)
}

// take takes the value of the first sender that waits. There's one.
func (c *Channel[T]) take() T {
	s := c.senders[0]
	c.senders = c.senders[1:]
	s.waiting, s.taken = false, true
	s.waker.Wake()
	return s.value
}

// Close ends the channel.
func (c *Channel[T]) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	for _, s := range c.senders {
		s.waker.Wake()
	}
	for _, r := range c.receivers {
		r.waker.Wake()
	}
	return nil
}

type send[T any] struct {
	channel *Channel[T]
	value   T
	waker   Waker // of the latest poll
	waiting bool  // it's in channel.senders
	taken   bool  // a receiver has the value
}

// Poll gives the value to a receiver, or waits for one.
func (s *send[T]) Poll(cx *Context) (error, bool) {
	c := s.channel
	switch {
	case s.taken:
		return nil, true
	case c.closed:
		s.Close() // leaves the queue
		return ErrClosed, true
	case len(c.receivers) > 0:
		s.taken = true
		c.give(s.value)
		return nil, true
	case !s.waiting:
		s.waiting = true
		c.senders = append(c.senders, s)
	}
	s.waker = cx.Waker()
	return nil, false
}

// Close takes the sender out of the queue.
func (s *send[T]) Close() error {
	if s.waiting {
		s.waiting = false
		i := slices.Index(s.channel.senders, s)
		s.channel.senders = append(s.channel.senders[:i], s.channel.senders[i+1:]...)
	}
	return nil
}

type receive[T any] struct {
	channel *Channel[T]
	waker   Waker // of the latest poll
	waiting bool  // it's in channel.receivers
	value   T
	given   bool // a sender has given it value, and it hasn't been polled since
}

// Poll takes what the receiver was given, or what there is, or waits.
func (r *receive[T]) Poll(cx *Context) (Received[T], bool) {
	c := r.channel
	switch {
	case r.given:
		r.given = false
		return Received[T]{r.value, true}, true
	case r.waiting && !c.closed:
		r.waker = cx.Waker()
		return Received[T]{}, false
	case len(c.returned) > 0:
		r.Close() // leaves the queue
		value := c.returned[0]
		c.returned = c.returned[1:]
		return Received[T]{value, true}, true
	case c.closed:
		r.Close() // leaves the queue
		return Received[T]{}, true
	case len(c.senders) > 0:
		return Received[T]{c.take(), true}, true
	}
	r.waiting = true
	r.waker = cx.Waker()
	c.receivers = append(c.receivers, r)
	return Received[T]{}, false
}

// Close takes the receiver out of the queue. What it was given goes to another one.
func (r *receive[T]) Close() error {
	c := r.channel
	if r.waiting {
		r.waiting = false
		i := slices.Index(c.receivers, r)
		c.receivers = append(c.receivers[:i], c.receivers[i+1:]...)
	}
	if r.given {
		r.given = false
		c.giveBack(r.value)
	}
	return nil
}
