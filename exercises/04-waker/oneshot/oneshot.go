package main

import "sync"

// Received is the value of a Receiver.
type Received[T any] struct {
	Value T
	OK    bool // false if the sender was closed and had sent nothing
}

// Sender is the end for an ordinary goroutine.
type Sender[T any] struct{}

// Receiver is a future: its value is what was sent.
type Receiver[T any] struct{}

// NewOneshot makes a channel for one value. It uses mu, which isn't locked.
func NewOneshot[T any](mu sync.Locker) (*Sender[T], *Receiver[T]) {
	return &Sender[T]{}, &Receiver[T]{}
}

// Send sends the value, and reports whether the receiver may get it. It's yours
// to write.
func (s *Sender[T]) Send(value T) bool {
	return false // not started
}

// Close says that nothing will be sent anymore. It's yours to write.
func (s *Sender[T]) Close() error { return nil }

// Poll is ready when something was sent, or when nothing will be. It's yours to
// write.
func (r *Receiver[T]) Poll(cx *Context) (Received[T], bool) { return Received[T]{}, false }

// Close abandons the receiver: a Send that comes later returns false. It's yours
// to write.
func (r *Receiver[T]) Close() error { return nil }
