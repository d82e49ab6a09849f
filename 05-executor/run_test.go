package main

// runToEnd polls f until its value is there, by the means of this chapter.
func runToEnd[T any](r *Reactor, f Future[T]) (value T) {
	e := NewExecutor(r)
	Spawn(e, into[T]{f, &value})
	e.Run()
	return value
}
