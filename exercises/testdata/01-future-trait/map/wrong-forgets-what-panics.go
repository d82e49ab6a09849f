// want: such a future hasn't finished
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

func (m *Mapped[A, B]) Poll(cx *Context) (value B, ready bool) {
	f := m.future
	m.future = nil
	inner, ok := f.Poll(cx)
	if !ok {
		m.future = f // it's needed again
		return value, false
	}
	return m.change(inner), true
}

func (m *Mapped[A, B]) Close() error {
	return Close(m.future)
}
