// want: accepts suspect B|accepts suspect E|accepts suspect F|accepts suspect H
package main

import (
	"testing"
	"testing/synctest"
)

// A Parker is what you test. Any goroutine may call Wake, and one calls Park.
type Parker interface {
	Waker
	Park()
}

// returns calls f on a goroutine of its own, and returns a function that reports
// whether f has returned, once everything has come to rest.
func returns(f func()) func() bool {
	over := make(chan struct{})
	go func() {
		f()
		close(over)
	}()
	return func() bool {
		synctest.Wait()
		select {
		case <-over:
			return true
		default:
			return false
		}
	}
}

// checkParker calls t.Error or t.Fatal if the parkers that newParker makes break
// the contract on the page.
func checkParker(t testing.TB, newParker func() Parker) {
	p := newParker()
	for n := 1; n <= 3; n++ {
		if !returns(p.Wake)() {
			t.Fatalf("Wake %d sleeps while nothing is parked", n)
		}
	}
	if !returns(p.Park)() {
		t.Fatal("Park sleeps although there were three wakes before")
	}
	up := returns(p.Park)
	if up() {
		t.Error("three wakes, and the second Park returned as well")
	}
	p.Wake()
	up()
}
