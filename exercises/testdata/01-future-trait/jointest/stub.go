package main

import "testing"

// A Probe is a future for your test: ready at its n-th poll, with value. It counts.
type Probe struct {
	n      int
	value  string
	polls  int
	closes int
}

func (p *Probe) Poll(*Context) (string, bool) {
	if p.polls++; p.polls < p.n {
		return "", false
	}
	return p.value, true
}

func (p *Probe) Close() error {
	p.closes++
	return nil
}

// checkJoinAll calls t.Error or t.Fatal if joinAll breaks its contract.
func checkJoinAll(t testing.TB, joinAll func(...Future[string]) Future[[]string]) {
	t.Fatal("nothing is checked yet") // not started
}
