package main

// BlockOn polls f until its value is there. It does not know when asking again
// is worthwhile, so it asks all the time.
func BlockOn[T any](f Future[T]) T {
	cx := new(Context)
	for {
		if value, ready := f.Poll(cx); ready {
			return value
		}
	}
}
