package main

// BlockOn polls f until its value is there, and sleeps in between. Several BlockOns may
// share r, each on its own goroutine. If Poll panics, f isn't closed.
func BlockOn[T any](r *Reactor, f Future[T]) T {
	p := NewParker()
	cx := &Context{waker: p, reactor: r}
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
		// ← a wake that comes here isn't lost: it leaves a token for Park
		p.Park()
	}
}
