package main

import "sync"

// Received is what a Receiver yields.
type Received[T any] struct {
	Value T
	OK    bool // false if the sender is closed and has sent nothing
}

// Sender is the end that an ordinary goroutine has.
type Sender[T any] struct{}

// Receiver is a future: its value is what was sent.
type Receiver[T any] struct{}

// NewOneshot makes a channel for one value. It uses mu, which nobody has locked.
func NewOneshot[T any](mu sync.Locker) (*Sender[T], *Receiver[T]) {
	return &Sender[T]{}, &Receiver[T]{}
}

// Send sends the value, and says whether somebody may receive it. It is yours
// to write.
func (s *Sender[T]) Send(value T) bool { return false } // not started

// Close says that nothing will be sent any more. It is yours to write.
func (s *Sender[T]) Close() error { return nil }

// Poll is ready when something was sent, or nothing will be. It is yours to
// write.
func (r *Receiver[T]) Poll(cx *Context) (Received[T], bool) { return Received[T]{}, false }

// Close abandons the receiver: a Send after it says so. It is yours to write.
func (r *Receiver[T]) Close() error { return nil }
