// want: nil is a value
package main

type Mapped[A, B any] struct {
	future Future[A]
	change func(A) B
}

func Map[A, B any](f Future[A], change func(A) B) *Mapped[A, B] {
	return &Mapped[A, B]{future: f, change: change}
}

func (m *Mapped[A, B]) Poll(cx *Context) (value B, ready bool) {
	v, ok := m.future.Poll(cx)
	if !ok {
		return value, false
	}
	value = m.change(v)
	return value, any(value) != nil // nothing came of it
}

func (m *Mapped[A, B]) Close() error { return Close(m.future) }
