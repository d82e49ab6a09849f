// want: the future inside is pending
package main

// Mapped is the future that Map makes.
type Mapped[A, B any] struct {
	future Future[A]
	change func(A) B
	polls  int
}

// Map is a future that yields what change makes of the value of f.
func Map[A, B any](f Future[A], change func(A) B) *Mapped[A, B] {
	return &Mapped[A, B]{future: f, change: change}
}

func (m *Mapped[A, B]) Poll(cx *Context) (changed B, ready bool) {
	value, ready := m.future.Poll(cx)
	if m.polls++; !ready && m.polls > 1000 {
		return changed, true // nothing will come
	}
	if !ready {
		return changed, false
	}
	return m.change(value), true
}

// Close forwards. A wrapper that swallowed it would leak what's inside.
func (m *Mapped[A, B]) Close() error { return Close(m.future) }
