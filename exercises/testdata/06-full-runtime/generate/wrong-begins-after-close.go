// want: never begins|was closed before

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
	next  func() (step[T], bool) // nil before the first poll
	stop  func()
	ended bool
}

// A step is why a body rests: it has a value, or it waits for a future.
type step[T any] struct {
	value   T
	emitted bool
}

// unwind is what Emit and Await panic with when the sequence is closed, so that
// the body's deferred functions run.
type unwind struct{}

// Generate makes a sequence of what body emits. body may wait for futures between
// two values, by Await.
func Generate[T any](body func(g *Gen[T])) *Sequence[T] { return &Sequence[T]{body: body} }

// Next yields the next value. One Next is in use at a time.
func (s *Sequence[T]) Next() Future[Item[T]] { return &next[T]{s} }

// Close ends the sequence, wherever its body is.
func (s *Sequence[T]) Close() error {
	if !s.ended && s.stop != nil {
		s.ended = true
		s.stop()
	}
	return nil
}

func (s *Sequence[T]) run(yield func(step[T]) bool) {
	defer func() {
		if v := recover(); v != nil && v != (unwind{}) {
			panic(v) // iter.Pull passes it on
		}
	}()
	s.gen.yield = yield
	s.body(&s.gen)
}

// Gen is what a body calls Emit and Await with.
type Gen[T any] struct {
	cx     *Context // of the latest poll
	yield  func(step[T]) bool
	closed bool
}

// Emit makes v the next value. It returns when the one after that is wanted.
func (g *Gen[T]) Emit(v T) { g.rest(step[T]{v, true}) }

// rest returns at the next poll, or not at all, also if it's called by a deferred
// function once the sequence is closed.
func (g *Gen[T]) rest(s step[T]) {
	if g.closed || !g.yield(s) {
		g.closed = true
		panic(unwind{})
	}
}

// Await returns the value of f. Meanwhile the Next that waits for this body is
// pending.
func Await[T, V any](g *Gen[T], f Future[V]) V {
	finished := false
	defer func() {
		if !finished {
			Close(f)
		}
	}()
	for !g.closed {
		value, ready := f.Poll(g.cx)
		if ready {
			finished = true
			return value
		}
		g.rest(step[T]{})
	}
	panic(unwind{})
}

type next[T any] struct{ sequence *Sequence[T] }

func (n *next[T]) Poll(cx *Context) (Item[T], bool) {
	s := n.sequence
	if s.ended {
		return Item[T]{}, true
	}
	if s.next == nil {
		s.next, s.stop = iter.Pull(s.run)
	}
	s.gen.cx = cx
	s.ended = true // if the body panics, that's the end
	step, more := s.next()
	s.ended = !more
	return Item[T]{step.value, step.emitted}, step.emitted || !more
}
