// Package sched stands in for what goroutines share: sync, sync/atomic, timers
// and the kernel. A copy of a chapter is rewritten to use it: see
// internal/checks/schedule_test.go.
//
// checked.go tries every order, within a bound, in which goroutines can take
// their steps. stress.go lets them run, only with more switches than usual, so
// that the race detector sees them as they are. The build tag race chooses between the two.
package sched

import "time"

// Scenario is a few goroutines that have to come to their end in every order.
type Scenario struct {
	Name string
	Run  func(r *R) // prepares; what it does itself is no step
}

// R is one run of a scenario.
type R struct {
	threads []start
	after   func()
}

type start struct {
	name string
	f    func()
}

// Go adds a goroutine that has to come to its end.
func (r *R) Go(name string, f func()) { r.threads = append(r.threads, start{name, f}) }

// After is called when all of them have ended. Its own steps are not reordered.
func (r *R) After(f func()) { r.after = f }

// Equal is a check: it fails the scenario unless got is what is wanted.
func Equal[T comparable](what string, got, want T) {
	if got != want {
		Failf("%s: %v, want %v", what, got, want)
	}
}

// Sleep is time.Sleep.
func Sleep(d time.Duration) {
	Await("sleeps", time.Now().Add(d), func() bool { return false })
}
