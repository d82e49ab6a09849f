package main

import "errors"

// ErrClosed is what Send yields on a closed channel.
var ErrClosed = errors.New("send on a closed channel")

// Received is what Receive yields.
type Received[T any] struct {
	Value T
	OK    bool // false if the channel is closed and has nothing left
}

// Channel hands values from one task to another. It has no place to keep one. All
// of this happens on one goroutine, so there's no lock. The fields are yours.
type Channel[T any] struct{}

// NewChannel makes a channel.
func NewChannel[T any]() *Channel[T] { return &Channel[T]{} }

// Send is ready once a receiver has been given the value, with nil, or with
// ErrClosed.
func (c *Channel[T]) Send(value T) Future[error] { return &send[T]{} }

// Receive is ready with the value of a Send, or when the channel is closed.
func (c *Channel[T]) Receive() Future[Received[T]] { return &receive[T]{} }

// Close ends the channel. It's yours to write.
func (c *Channel[T]) Close() error { return nil }

type send[T any] struct{}

// Poll is yours to write.
func (s *send[T]) Poll(cx *Context) (error, bool) {
	return nil, false // not started
}

// Close is yours to write.
func (s *send[T]) Close() error { return nil }

type receive[T any] struct{}

// Poll is yours to write.
func (r *receive[T]) Poll(cx *Context) (Received[T], bool) { return Received[T]{}, false }

// Close is yours to write.
func (r *receive[T]) Close() error { return nil }
