package main

// BlockOn polls f until its value is there. In between it sleeps in the kernel. If
// Poll panics, f isn't closed: the program ends anyway.
func BlockOn[T any](r *Reactor, f Future[T]) T {
	cx := &Context{reactor: r}
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
		r.Wait()
	}
}
