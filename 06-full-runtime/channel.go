package main

import "errors"

// Channel is a bounded queue between the tasks of one runtime. It is made of
// two semaphores: one permit for each free place, one for each value.
type Channel[T any] struct {
	values []T
	closed bool
	places *Semaphore
	filled *Semaphore
}

// ErrChannelClosed is what Send yields after Close.
var ErrChannelClosed = errors.New("send on a closed channel")

// NewChannel makes a channel that holds up to so many values, at least one.
func NewChannel[T any](size int) *Channel[T] {
	return &Channel[T]{
		places: newSemaphore(max(size, 1), "a place in a Channel"),
		filled: newSemaphore(0, "a value from a Channel"),
	}
}

// Sending is the future that Send makes.
type Sending[T any] struct {
	c     *Channel[T]
	value T
	place *Acquired
}

// Send is ready when there was a place for value, or with ErrChannelClosed.
func (c *Channel[T]) Send(value T) *Sending[T] {
	return &Sending[T]{c, value, c.places.Acquire()}
}

func (s *Sending[T]) Poll(cx *Context) (error, bool) {
	if s.c.closed {
		s.Close()
		return ErrChannelClosed, true
	}
	if _, ready := s.place.Poll(cx); !ready {
		return nil, false
	}
	s.c.values = append(s.c.values, s.value)
	s.c.filled.Release()
	return nil, true
}

func (s *Sending[T]) Close() error { return s.place.Close() }

// Received is what Receive yields. OK is false if the channel is closed and
// empty, as in Go.
type Received[T any] struct {
	Value T
	OK    bool
}

// Receiving is the future that Receive makes.
type Receiving[T any] struct {
	c      *Channel[T]
	filled *Acquired
}

// Receive is ready when there is a value, in the order of Send.
func (c *Channel[T]) Receive() *Receiving[T] { return &Receiving[T]{c, c.filled.Acquire()} }

func (r *Receiving[T]) Poll(cx *Context) (got Received[T], ready bool) {
	c := r.c
	if _, ready := r.filled.Poll(cx); ready {
		got = Received[T]{c.values[0], true}
		clear(c.values[:1])
		c.values = c.values[1:]
		c.places.Release()
		return got, true
	}
	over := c.closed && c.filled.free == 0 // if not, it is the budget that is spent
	if over {
		r.Close()
	}
	return got, over
}

func (r *Receiving[T]) Close() error { return r.filled.Close() }

// Close lets what was sent be received, and then says that it was all.
func (c *Channel[T]) Close() error {
	c.closed = true
	c.places.wakeAll()
	c.filled.wakeAll()
	return nil
}
