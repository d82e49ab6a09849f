package main

// Mapped is the future that Map makes.
type Mapped[A, B any] struct {
	future Future[A]
	change func(A) B
}

// Map is a future that yields what change makes of the value of f.
func Map[A, B any](f Future[A], change func(A) B) *Mapped[A, B] {
	return &Mapped[A, B]{future: f, change: change}
}

// Poll is yours to write.
func (m *Mapped[A, B]) Poll(cx *Context) (value B, ready bool) {
	return value, false // not started
}

// Close is yours to write.
func (m *Mapped[A, B]) Close() error {
	return nil
}
