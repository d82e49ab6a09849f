// want: nothing would ever wake this one

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
	closed    bool
	senders   []*send[T]    // that wait, in order of their first polls
	receivers []*receive[T] // that wait, in order of their first polls
	returned  []T           // given to a receiver that was closed before it looked
}

// NewChannel makes a channel.
func NewChannel[T any]() *Channel[T] { return &Channel[T]{} }

// Send is ready once a receiver has been given the value, with nil, or with
// ErrClosed.
func (c *Channel[T]) Send(value T) Future[error] { return &send[T]{channel: c, value: value} }

// Receive is ready with the value of a Send, or when the channel is closed.
func (c *Channel[T]) Receive() Future[Received[T]] { return &receive[T]{channel: c} }

// give gives value to the first receiver that waits.
func (c *Channel[T]) give(value T) bool {
	if len(c.receivers) == 0 {
		return false
	}
	r := c.receivers[0]
	c.receivers = c.receivers[1:]
	r.settle(Received[T]{value, true})
	return true
}

// Close ends the channel. First all of them are told what has happened, and then
// they're woken: a woken task may do anything.
func (c *Channel[T]) Close() error {
	senders, receivers := c.senders, c.receivers
	c.senders, c.receivers = nil, nil
	for _, s := range senders {
		s.state, s.err = settled, ErrClosed
	}
	for _, r := range receivers {
		r.state = settled
	}
	for _, s := range senders {
		s.waker.Wake()
	}
	for _, r := range receivers {
		r.waker.Wake()
	}
	c.closed = true
	return nil
}

type state int

const (
	asking  state = iota // not polled yet
	waiting              // in a queue
	settled              // decided, but the task hasn't looked
	over                 // Poll has returned true, or it's closed
)

type send[T any] struct {
	channel *Channel[T]
	value   T
	state   state
	err     error
	waker   Waker // of the latest poll
}

func (s *send[T]) Poll(cx *Context) (error, bool) {
	c := s.channel
	s.waker = cx.Waker()
	switch {
	case s.state == settled:
	case s.state == asking && c.closed:
		s.err = ErrClosed
	case s.state == asking && c.give(s.value):
	case s.state == asking:
		s.state = waiting
		c.senders = append(c.senders, s)
		return nil, false
	default:
		return nil, false
	}
	s.state = over
	return s.err, true
}

// Close takes the value back, if no receiver has been given it.
func (s *send[T]) Close() error {
	c := s.channel
	c.senders = slices.DeleteFunc(c.senders, func(other *send[T]) bool { return s == other })
	s.state = over
	return nil
}

type receive[T any] struct {
	channel *Channel[T]
	state   state
	got     Received[T]
	waker   Waker // of the latest poll
}

func (r *receive[T]) settle(got Received[T]) {
	r.state, r.got = settled, got
	r.waker.Wake()
}

func (r *receive[T]) Poll(cx *Context) (Received[T], bool) {
	c := r.channel
	r.waker = cx.Waker()
	switch {
	case r.state == settled:
		got := r.got
		r.state, r.got = over, Received[T]{}
		return got, true
	case r.state == waiting:
		return Received[T]{}, false
	case len(c.returned) > 0:
		value := c.returned[0]
		r.state, c.returned = over, c.returned[1:]
		return Received[T]{value, true}, true
	case len(c.senders) > 0:
		s := c.senders[0]
		r.state, c.senders, s.state = over, c.senders[1:], settled
		s.waker.Wake()
		return Received[T]{s.value, true}, true
	case c.closed:
		r.state = over
		return Received[T]{}, true
	}
	r.state = waiting
	c.receivers = append(c.receivers, r)
	return Received[T]{}, false
}

// Close passes on what it was given, if its task hasn't looked: the sender has
// been told that its value has arrived.
func (r *receive[T]) Close() error {
	c, was := r.channel, r.state
	r.state = over
	c.receivers = slices.DeleteFunc(c.receivers, func(other *receive[T]) bool { return r == other })
	if was == settled && r.got.OK && !c.give(r.got.Value) {
		c.returned = append(c.returned, r.got.Value)
	}
	return nil
}
