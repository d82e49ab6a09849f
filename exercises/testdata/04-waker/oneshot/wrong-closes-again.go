// want: a second Close changes nothing
package main

import "sync"

// Received is the value of a Receiver.
type Received[T any] struct {
	Value T
	OK    bool // false if the sender was closed and had sent nothing
}

// A channel is what both ends share.
type channel[T any] struct {
	mu    sync.Locker
	over  bool        // guarded by mu; the wait has ended
	gone  bool        // guarded by mu; the receiver was closed
	sent  bool        // guarded by mu
	got   Received[T] // guarded by mu; what the receiver gets when it's over
	waker Waker       // guarded by mu; the one of the latest Poll
}

// Sender is the end for an ordinary goroutine.
type Sender[T any] struct{ ch *channel[T] }

// Receiver is a future: its value is what was sent.
type Receiver[T any] struct{ ch *channel[T] }

// NewOneshot makes a channel for one value. It uses mu, which isn't locked.
func NewOneshot[T any](mu sync.Locker) (*Sender[T], *Receiver[T]) {
	ch := &channel[T]{mu: mu}
	return &Sender[T]{ch}, &Receiver[T]{ch}
}

// end ends the wait, unless it's over. It reports whether it has.
func (ch *channel[T]) end(got Received[T]) bool {
	ch.mu.Lock()
	if ch.sent || ch.gone {
		ch.mu.Unlock()
		return false
	}
	ch.over, ch.sent, ch.got = true, got.OK, got
	w := ch.waker
	ch.mu.Unlock()
	if w != nil {
		w.Wake()
	}
	return true
}

// Send sends the value, and reports whether the receiver may get it.
func (s *Sender[T]) Send(value T) bool { return s.ch.end(Received[T]{value, true}) }

// Close says that nothing will be sent anymore.
func (s *Sender[T]) Close() error {
	s.ch.end(Received[T]{})
	return nil
}

// Poll is ready when something was sent, or when nothing will be.
func (r *Receiver[T]) Poll(cx *Context) (Received[T], bool) {
	r.ch.mu.Lock()
	defer r.ch.mu.Unlock()
	if !r.ch.over {
		r.ch.waker = cx.Waker()
	}
	return r.ch.got, r.ch.over
}

// Close abandons the receiver: a Send that comes later returns false.
func (r *Receiver[T]) Close() error {
	r.ch.mu.Lock()
	defer r.ch.mu.Unlock()
	r.ch.gone = true
	return nil
}
