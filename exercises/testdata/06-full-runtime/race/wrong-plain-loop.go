// want: the Close of the first panics: after the race's own Close the three were closed \[1 0 0\] times
package main

import (
	"errors"
	"math/rand/v2"
)

// Context stands for the chapter's. A race only passes it on.
type Context struct{ waker Waker }

// Waker returns what asks for another poll of the future that is polled with cx.
func (cx *Context) Waker() Waker { return cx.waker }

// Won is what a Race yields: which future was first, counted from 0, and its
// value.
type Won[T any] struct {
	Index int
	Value T
}

// Raced is the future that Race makes.
type Raced[T any] struct {
	futures []Future[T] // nil when it is over
}

// Race is ready when one of the futures is, and closes the others before anybody
// sees the value.
func Race[T any](futures ...Future[T]) *Raced[T] { return &Raced[T]{futures} }

func (r *Raced[T]) Poll(cx *Context) (Won[T], bool) {
	// In an order by lot. With only the start by lot, and then in turn, who
	// comes after a pending one would have its chances, too.
	for _, i := range rand.Perm(len(r.futures)) {
		if value, ready := r.futures[i].Poll(cx); ready {
			r.closeAllBut(i)
			return Won[T]{i, value}, true
		}
	}
	return Won[T]{}, false
}

// Close abandons all of them.
func (r *Raced[T]) Close() error {
	return r.closeAllBut(-1)
}

// closeAllBut goes on after an error, and returns all of them.
func (r *Raced[T]) closeAllBut(winner int) error {
	futures := r.futures
	r.futures = nil
	var errs []error
	for i, f := range futures {
		if i != winner {
			errs = append(errs, Close(f))
		}
	}
	return errors.Join(errs...)
}
