// want: closed before its first poll, and Send returned true
package main

import "sync"

// Received is the value of a Receiver.
type Received[T any] struct {
	Value T
	OK    bool // false if the sender was closed and had sent nothing
}

// channel is what both ends share.
type channel[T any] struct {
	mu       sync.Locker
	received Received[T] // guarded by mu
	over     bool        // guarded by mu; nothing will come but received
	gone     bool        // guarded by mu; the receiver is closed
	waker    Waker       // guarded by mu; the one of the latest poll
}

// Sender is the end for an ordinary goroutine.
type Sender[T any] struct{ channel *channel[T] }

// Receiver is a future: its value is what was sent.
type Receiver[T any] struct{ channel *channel[T] }

// NewOneshot makes a channel for one value. It uses mu, which isn't locked.
func NewOneshot[T any](mu sync.Locker) (*Sender[T], *Receiver[T]) {
	c := &channel[T]{mu: mu}
	return &Sender[T]{c}, &Receiver[T]{c}
}

// Send sends the value, and reports whether the receiver may get it.
func (s *Sender[T]) Send(value T) bool { return s.channel.end(Received[T]{value, true}) }

// Close says that nothing will be sent anymore.
func (s *Sender[T]) Close() error {
	s.channel.end(Received[T]{})
	return nil
}

// end ends the wait with r, unless something else has ended it before.
func (c *channel[T]) end(r Received[T]) bool {
	c.mu.Lock()
	if c.over || c.gone {
		c.mu.Unlock()
		return false
	}
	c.received, c.over = r, true
	w := c.waker
	c.mu.Unlock()
	if w != nil {
		w.Wake() // after the unlock: the woken task may poll at once
	}
	return true
}

// Poll is ready when something was sent, or when nothing will be.
func (r *Receiver[T]) Poll(cx *Context) (Received[T], bool) {
	c := r.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.waker = cx.Waker() // under the same lock as the look
	}
	return c.received, c.over
}

// Close abandons the receiver: a Send that comes later returns false.
func (r *Receiver[T]) Close() error {
	r.channel.mu.Lock()
	defer r.channel.mu.Unlock()
	if r.channel.waker != nil { // there was a poll
		r.channel.gone, r.channel.waker = true, nil
	}
	return nil
}
