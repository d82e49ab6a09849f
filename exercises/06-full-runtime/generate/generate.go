package main

// Item is what Next yields.
type Item[T any] struct {
	Value T
	OK    bool // false if the sequence has ended
}

// Sequence is the values that a function emits, one after the other. Each is
// there when it's asked for, and not before. You may add fields.
type Sequence[T any] struct {
	body func(g *Gen[T])
}

// Generate makes a sequence of what body emits. body may wait for futures between
// two values, by Await.
func Generate[T any](body func(g *Gen[T])) *Sequence[T] { return &Sequence[T]{body: body} }

// Next yields the next value. One Next is in use at a time.
func (s *Sequence[T]) Next() Future[Item[T]] { return &next[T]{s} }

// Close ends the sequence, wherever its body is. It's yours to write.
func (s *Sequence[T]) Close() error { return nil }

// Gen is what a body calls Emit and Await with. The fields are yours.
type Gen[T any] struct{}

// Emit makes v the next value. It returns when the one after that is wanted. It's
// yours to write.
func (g *Gen[T]) Emit(v T) {}

// Await returns the value of f. Meanwhile the Next that waits for this body is
// pending. It's yours to write.
func Await[T, V any](g *Gen[T], f Future[V]) (value V) { return value }

type next[T any] struct{ sequence *Sequence[T] }

// Poll is yours to write.
func (n *next[T]) Poll(cx *Context) (Item[T], bool) {
	return Item[T]{}, false // not started
}
