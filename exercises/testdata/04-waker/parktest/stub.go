package main

import "testing"

// A Parker is what you test. Any goroutine may call Wake, and one calls Park.
type Parker interface {
	Waker
	Park()
}

// checkParker calls t.Error or t.Fatal if the parkers that newParker makes break
// the contract on the page. It's yours to write.
func checkParker(t testing.TB, newParker func() Parker) {
	_ = newParker() // not started
}
