package main

// BlockOn polls f until its value is there, and sleeps in the kernel while
// nothing has happened that could make a difference.
func BlockOn[T any](r *Reactor, f Future[T]) T {
	cx := &Context{reactor: r}
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
		r.Wait()
	}
}
