// want: none of 12

package main

import "math/rand/v2"

// Context stands in for the chapter's. A race only passes it on.
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
	futures []Future[T] // nil when it's over
}

// Race is ready when one of the futures is, and closes the others before it
// yields the value.
func Race[T any](futures ...Future[T]) *Raced[T] { return &Raced[T]{futures} }

func (r *Raced[T]) Poll(cx *Context) (Won[T], bool) {
	// In a random order. With only a random start, and then in turn, the one
	// that comes after a pending one would have its chances, too.
	for k, i := range rand.Perm(len(r.futures)) {
		if k > 7 {
			break
		}
		if value, ready := r.futures[i].Poll(cx); ready {
			r.closeAllBut(i)
			return Won[T]{i, value}, true
		}
	}
	return Won[T]{}, false
}

// Close abandons all of them.
func (r *Raced[T]) Close() error {
	r.closeAllBut(-1)
	return nil
}

func (r *Raced[T]) closeAllBut(winner int) {
	futures := r.futures
	r.futures = nil // first: if one panics, none is closed again
	for i, f := range futures {
		if i != winner {
			defer Close(f) // each of them runs, also if another one panics
		}
	}
}
