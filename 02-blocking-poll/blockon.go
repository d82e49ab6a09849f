package main

// BlockOn polls f until its value is there. It can't know when the next poll is
// worthwhile, so it polls all the time.
func BlockOn[T any](f Future[T]) T {
	cx := new(Context)
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
	}
}
