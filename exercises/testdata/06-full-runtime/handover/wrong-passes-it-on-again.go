// want: each value is received once
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

// Channel hands values from one task to another. It has no place to keep one, but for those
// whose receivers were closed.
type Channel[T any] struct {
	senders   []*send[T]
	receivers []*receive[T]
	returned  []T
	closed    bool
}

// NewChannel makes a channel.
func NewChannel[T any]() *Channel[T] { return &Channel[T]{} }

// Send is ready once a receiver has been given the value, with nil, or with
// ErrClosed.
func (c *Channel[T]) Send(value T) Future[error] { return &send[T]{channel: c, value: value} }

// Receive is ready with the value of a Send, or when the channel is closed.
func (c *Channel[T]) Receive() Future[Received[T]] { return &receive[T]{channel: c} }

// Close ends the channel.
func (c *Channel[T]) Close() error {
	c.closed = true
	for len(c.senders) > 0 {
		s := c.senders[0]
		c.senders = c.senders[1:]
		s.state, s.err = settled, ErrClosed
		s.waker.Wake()
	}
	for len(c.receivers) > 0 {
		r := c.receivers[0]
		c.receivers = c.receivers[1:]
		r.state = settled
		r.waker.Wake()
	}
	return nil
}

// give hands value to the first receiver that waits, if there's one.
func (c *Channel[T]) give(value T) bool {
	if len(c.receivers) == 0 {
		return false
	}
	r := c.receivers[0]
	c.receivers = c.receivers[1:]
	r.state, r.got = settled, Received[T]{value, true}
	r.waker.Wake()
	return true
}

func remove[E comparable](list []E, e E) []E {
	if i := slices.Index(list, e); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

type state int

const (
	idle    state = iota // not polled yet
	waiting              // in the queue
	settled              // out of the queue, and its next poll is ready
	done                 // was ready, or closed
)

type send[T any] struct {
	channel *Channel[T]
	value   T
	state   state
	waker   Waker
	err     error
}

// Poll hands the value to a receiver, or waits for one.
func (s *send[T]) Poll(cx *Context) (error, bool) {
	c := s.channel
	if s.state == settled {
		s.state = done
		return s.err, true
	}
	if c.closed {
		c.senders = remove(c.senders, s)
		s.state = done
		return ErrClosed, true
	}
	s.waker = cx.Waker()
	if s.state == idle {
		s.state = done
		if c.give(s.value) {
			return nil, true
		}
		s.state = waiting
		c.senders = append(c.senders, s)
	}
	return nil, false
}

// Close withdraws what hasn't been sent.
func (s *send[T]) Close() error {
	s.channel.senders = remove(s.channel.senders, s)
	s.state = done
	return nil
}

type receive[T any] struct {
	channel *Channel[T]
	state   state
	waker   Waker
	got     Received[T]
}

// Poll takes a value, or waits for one.
func (r *receive[T]) Poll(cx *Context) (Received[T], bool) {
	c := r.channel
	switch {
	case r.state == settled:
		r.state = done
		return r.got, true
	case len(c.returned) > 0 && r.state == idle:
		value := c.returned[0]
		c.returned = c.returned[1:]
		r.state = done
		return Received[T]{value, true}, true
	case len(c.senders) > 0 && r.state == idle && !c.closed:
		s := c.senders[0]
		c.senders = c.senders[1:]
		s.state = settled
		r.state = done
		value := s.value
		s.waker.Wake()
		return Received[T]{value, true}, true
	case c.closed:
		c.receivers = remove(c.receivers, r)
		r.state = done
		return Received[T]{}, true
	case r.state == idle:
		r.state = waiting
		c.receivers = append(c.receivers, r)
	}
	r.waker = cx.Waker()
	return Received[T]{}, false
}

// Close leaves the queue, and passes on what it was given.
func (r *receive[T]) Close() error {
	c := r.channel
	c.receivers = remove(c.receivers, r)
	if r.state == settled && r.got.OK && !c.give(r.got.Value) {
		c.returned = append(c.returned, r.got.Value)
	}
	return nil
}
