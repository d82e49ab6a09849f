package main

// BlockOn polls f until its value is there, and sleeps until it is woken.
func BlockOn[T any](r *Reactor, f Future[T]) T {
	p := NewParker()
	cx := &Context{waker: p, reactor: r}
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
		p.Park() // a wake during the poll has left its token
	}
}
