package main

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Either is what a Race yields: the value of the one that won.
type Either[A, B any] struct {
	First bool // it is A
	A     A
	B     B
}

// Close closes a value that nobody wants.
func (e Either[A, B]) Close() error {
	if e.First {
		return Close(e.A)
	}
	return Close(e.B)
}

// Raced is the future that Race makes.
type Raced[A, B any] struct {
	a Future[A]
	b Future[B]
}

// Race is ready when a or b is, and closes the other one before anybody sees
// the value. If both are ready at once, each wins as often as the other.
func Race[A, B any](a Future[A], b Future[B]) *Raced[A, B] { return &Raced[A, B]{a, b} }

func (r *Raced[A, B]) Poll(cx *Context) (Either[A, B], bool) {
	if r.a == nil && r.b == nil {
		panic("Race polled after it finished")
	}
	first := rand.IntN(2) // always a first: while a is ready, b never wins
	for turn := range 2 {
		if turn == first {
			if value, ready := r.a.Poll(cx); ready {
				r.a = nil
				r.Close()
				return Either[A, B]{First: true, A: value}, true
			}
		} else if value, ready := r.b.Poll(cx); ready {
			r.b = nil
			r.Close()
			return Either[A, B]{B: value}, true
		}
	}
	return Either[A, B]{}, false
}

// Close abandons both, b also if the Close of a panics.
func (r *Raced[A, B]) Close() error {
	a, b := r.a, r.b
	r.a, r.b = nil, nil
	defer Close(b)
	return Close(a)
}

// ErrTimeout is the error of a Timeout whose time has passed.
var ErrTimeout = errors.New("timeout")

// TimedOut is the future that Timeout makes.
type TimedOut[T any] struct {
	future Future[T]
	sleep  *Sleep
}

// Timeout is ready with the value of f, or with ErrTimeout if f is not ready d
// after the first Poll. Then f is closed. It is a Race that is not fair: a
// value that is there in time is never thrown away.
func Timeout[T any](f Future[T], d time.Duration) *TimedOut[T] {
	return &TimedOut[T]{f, NewSleep(d)}
}

func (t *TimedOut[T]) Poll(cx *Context) (Result[T], bool) {
	if t.future == nil {
		panic("Timeout polled after it finished")
	}
	if value, ready := t.future.Poll(cx); ready {
		t.future = nil
		t.Close()
		return Result[T]{Value: value}, true
	}
	if _, ready := t.sleep.Poll(cx); ready {
		t.Close()
		return Result[T]{Err: ErrTimeout}, true
	}
	return Result[T]{}, false
}

// Close abandons the future and stops the timer.
func (t *TimedOut[T]) Close() error {
	f := t.future
	t.future = nil
	t.sleep.Close()
	return Close(f)
}
