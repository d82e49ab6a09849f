// want: without the Context
package main

type Mapped[A, B any] struct {
	future Future[A]
	change func(A) B
	cx     *Context
}

func Map[A, B any](f Future[A], change func(A) B) *Mapped[A, B] {
	return &Mapped[A, B]{future: f, change: change}
}

func (m *Mapped[A, B]) Poll(cx *Context) (value B, ready bool) {
	if m.cx == nil {
		m.cx = cx // always the same, isn't it?
	}
	v, ok := m.future.Poll(new(Context))
	if !ok {
		return value, false
	}
	return m.change(v), true
}

func (m *Mapped[A, B]) Close() error { return Close(m.future) }
