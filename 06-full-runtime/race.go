package main

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Either is what a Race yields: A if First is true, or else B.
type Either[A, B any] struct {
	First bool
	A     A
	B     B
}

// Race is ready when a or b is, even with an error, and has closed the other one by
// then. If both are ready at once, each of them wins as often as the other.
func Race[A, B any](a Future[A], b Future[B]) Future[Either[A, B]] { return &race[A, B]{a, b} }

type race[A, B any] struct {
	a Future[A] // nil once it's ready or closed
	b Future[B]
}

func (r *race[A, B]) Poll(cx *Context) (e Either[A, B], ready bool) {
	mustBePending(r.a != nil || r.b != nil, "Race")
	turnOfA := rand.IntN(2) // if it were always 0, b would never win while a is ready
	for turn := 0; turn < 2 && !ready; turn++ {
		if turn == turnOfA {
			if e.A, ready = r.a.Poll(cx); ready {
				r.a, e.First = nil, true
			}
		} else if e.B, ready = r.b.Poll(cx); ready {
			r.b = nil
		}
	}
	if ready {
		var unreceived any = e
		defer func() { closeValue(unreceived) }()
		r.Close() // only if this panics, e has no receiver
		unreceived = nil
	}
	return e, ready
}

// Close closes the futures that aren't ready.
func (r *race[A, B]) Close() error {
	a, b := r.a, r.b
	r.a, r.b = nil, nil
	return closeAll(asFuture{a}, asFuture{b})
}

// ErrTimeout is the error of a Timeout whose time has passed.
var ErrTimeout = errors.New("timeout")

// Timeout is ready with the value of f or, d after its own first Poll, with ErrTimeout. In
// that case it has closed f. Unlike a Race, it asks f first: it never throws away a value
// that is there in time.
func Timeout[T any](f Future[T], d time.Duration) Future[Result[T]] {
	return &timeout[T]{f, sleep{d: max(d, 0)}}
}

type timeout[T any] struct {
	future Future[T] // nil once it's ready or closed
	sleep  sleep
}

func (t *timeout[T]) Poll(cx *Context) (r Result[T], ready bool) {
	mustBePending(t.future != nil, "Timeout")
	if r.Value, ready = t.future.Poll(cx); ready {
		t.future = nil
	} else if _, ready = t.sleep.Poll(cx); ready {
		r.Err = ErrTimeout
	}
	if ready {
		t.Close()
	}
	return r, ready
}

// Close closes the future and stops the timer.
func (t *timeout[T]) Close() error {
	f := t.future
	t.future = nil
	t.sleep.Close()
	return Close(f)
}
