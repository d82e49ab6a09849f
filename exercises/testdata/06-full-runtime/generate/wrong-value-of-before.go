// want: not ready.*zero Item|zero Item.*not ready

package main

import "iter"

// Item is what Next yields.
type Item[T any] struct {
	Value T
	OK    bool // false if the sequence has ended
}

// Sequence is the values that a function emits, one after the other. Each is
// there when it's asked for, and not before.
type Sequence[T any] struct {
	body  func(g *Gen[T])
	gen   Gen[T]
	next  func() (struct{}, bool) // nil until the body begins
	stop  func()
	ended bool // the body has returned or panicked, or the sequence is closed
}

// Generate makes a sequence of what body emits. body may wait for futures between
// two values, by Await.
func Generate[T any](body func(g *Gen[T])) *Sequence[T] { return &Sequence[T]{body: body} }

// Next yields the next value. One Next is in use at a time.
func (s *Sequence[T]) Next() Future[Item[T]] { return &next[T]{s} }

// Close ends the sequence, wherever its body is.
func (s *Sequence[T]) Close() error {
	if s.ended {
		return nil
	}
	s.ended = true
	if s.stop != nil {
		s.stop()
	}
	return nil
}

// unwind is the panic that ends a body from the inside.
type unwind struct{}

// run calls the body, and stops the panic that ends it.
func (s *Sequence[T]) run(yield func(struct{}) bool) {
	defer func() {
		v := recover()
		if _, own := v.(unwind); v != nil && !own {
			panic(v)
		}
	}()
	s.gen.yield = yield
	s.body(&s.gen)
}

// Gen is what a body calls Emit and Await with.
type Gen[T any] struct {
	cx      *Context // of the latest poll
	yield   func(struct{}) bool
	closed  bool // the sequence has been closed
	value   T    // what was emitted
	emitted bool // in this poll
}

// rest leaves the body, until the next poll. If there's none, it ends the body.
func (g *Gen[T]) rest() {
	if g.closed || !g.yield(struct{}{}) {
		g.closed = true
		panic(unwind{})
	}
}

// Emit makes v the next value. It returns when the one after that is wanted.
func (g *Gen[T]) Emit(v T) {
	g.value, g.emitted = v, true
	g.rest()
}

// Await returns the value of f. Meanwhile the Next that waits for this body is
// pending.
func Await[T, V any](g *Gen[T], f Future[V]) (value V) {
	owned := f
	defer func() { Close(owned) }()
	for !g.closed {
		if v, ready := f.Poll(g.cx); ready {
			owned = nil
			return v
		}
		g.rest()
	}
	panic(unwind{}) // a deferred function of the body awaits
}

type next[T any] struct{ sequence *Sequence[T] }

// Poll runs the body until it rests.
func (n *next[T]) Poll(cx *Context) (Item[T], bool) {
	s := n.sequence
	if s.ended {
		return Item[T]{}, true
	}
	if s.next == nil {
		s.next, s.stop = iter.Pull(s.run)
	}
	g := &s.gen
	g.cx, g.emitted = cx, false
	s.ended = true // also if the body panics
	if _, resting := s.next(); !resting {
		return Item[T]{}, true
	}
	s.ended = false
	return Item[T]{g.value, g.emitted}, g.emitted
}
