package main

// Countdown is a leaf, a future not made of futures: pending for Left polls.
type Countdown struct {
	Left  int
	Value string
}

func (c *Countdown) Poll(*Context) (string, bool) {
	switch c.Left--; {
	case c.Left >= 0:
		return "", false
	case c.Left < -1:
		panic("Countdown polled after it finished")
	}
	return c.Value, true
}

// Tea boils water, then steeps leaves in it. A function that has to wait keeps
// its place and its variables on its stack; a future returns, and keeps them
// in itself. Rust's compiler writes such a type for an async fn.
type Tea struct {
	state teaState
	step  Countdown // of that state
}

type teaState int // boiling → steeping

const (
	boiling teaState = iota
	steeping
)

// NewTea leaves the kettle cold.
func NewTea() *Tea { return &Tea{boiling, Countdown{2, "hot water"}} }

func (t *Tea) Poll(cx *Context) (string, bool) {
	value, ready := t.step.Poll(cx)
	if ready && t.state == boiling {
		t.state, t.step = steeping, Countdown{1, "tea from " + value}
		return t.step.Poll(cx)
	}
	return value, ready
}
