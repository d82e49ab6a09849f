package main

// runToEnd polls f until its value is there, by the means of this chapter.
func runToEnd[T any](r *Reactor, f Future[T]) T { return BlockOn(r, f) }
