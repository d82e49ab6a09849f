// want: accepts suspect
package main

import (
	"slices"
	"testing"
)

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
	a, b := &Probe{n: 2, value: "a"}, &Probe{n: 1, value: "b"}
	all := joinAll(a, b)
	for range 100 {
		if values, ready := all.Poll(new(Context)); ready {
			if !slices.Equal(values, []string{"a", "b"}) {
				t.Fatalf("the values are %q", values)
			}
			return
		}
	}
	t.Fatal("never ready")
}
