package main

// BlockOn polls f until its value is there, and in between sleeps in the kernel. Only
// one BlockOn may use r at a time. If Poll panics, f isn't closed.
func BlockOn[T any](r *Reactor, f Future[T]) T {
	cx := &Context{reactor: r}
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
		r.Wait()
	}
}
