// want: the waker was called 3 times
package main

import "sync"

// Received is what a Receiver yields.
type Received[T any] struct {
	Value T
	OK    bool // false if the sender is closed and has sent nothing
}

// channel is what both ends share.
type channel[T any] struct {
	mu       sync.Locker
	received Received[T] // guarded by mu
	over     bool        // guarded by mu: nothing will come but received
	gone     bool        // guarded by mu: the receiver is closed
	waker    Waker       // guarded by mu: of the receiver's latest poll
}

// Sender is the end that an ordinary goroutine has.
type Sender[T any] struct{ channel *channel[T] }

// Receiver is a future: its value is what was sent.
type Receiver[T any] struct{ channel *channel[T] }

// NewOneshot makes a channel for one value. It uses mu, which nobody has locked.
func NewOneshot[T any](mu sync.Locker) (*Sender[T], *Receiver[T]) {
	c := &channel[T]{mu: mu}
	return &Sender[T]{c}, &Receiver[T]{c}
}

// Send sends the value, and says whether somebody may receive it.
func (s *Sender[T]) Send(value T) bool { return s.channel.end(Received[T]{value, true}) }

// Close says that nothing will be sent any more.
func (s *Sender[T]) Close() error {
	s.channel.end(Received[T]{})
	return nil
}

// end is the last thing that happens at the sender's end, if it is the first.
func (c *channel[T]) end(r Received[T]) bool {
	c.mu.Lock()
	first := !c.over && !c.gone
	if first {
		c.received, c.over = r, true
	}
	w := c.waker
	c.mu.Unlock()
	if w != nil {
		w.Wake() // after the unlock: the woken may poll at once
	}
	return first
}

// Poll is ready when something was sent, or nothing will be.
func (r *Receiver[T]) Poll(cx *Context) (Received[T], bool) {
	c := r.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.waker = cx.Waker() // under the same lock as the look
	}
	return c.received, c.over
}

// Close abandons the receiver: a Send after it says so.
func (r *Receiver[T]) Close() error {
	r.channel.mu.Lock()
	defer r.channel.mu.Unlock()
	r.channel.gone, r.channel.waker = true, nil
	return nil
}
