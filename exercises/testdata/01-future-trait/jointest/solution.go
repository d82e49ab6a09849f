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
	t.Helper()
	a, b, c := &Probe{n: 3, value: "a"}, &Probe{n: 1, value: "b"}, &Probe{n: 2, value: "c"}
	all := joinAll(a, b, c)
	for poll := 1; poll <= 3; poll++ {
		values, ready := all.Poll(new(Context))
		for i, p := range []*Probe{a, b, c} {
			if want := min(poll, p.n); p.polls != want {
				t.Fatalf("after poll %d child %d was polled %d times, want %d", poll, i, p.polls, want)
			}
		}
		if ready != (poll == 3) {
			t.Fatalf("poll %d gave %t", poll, ready)
		}
		if ready && !slices.Equal(values, []string{"a", "b", "c"}) {
			t.Fatalf("the values are %q, want a, b, c", values)
		}
	}
	if _, ready := joinAll().Poll(new(Context)); !ready {
		t.Error("JoinAll of nothing is pending")
	}
	done, pending := &Probe{n: 1}, &Probe{n: 2}
	all = joinAll(done, pending)
	all.Poll(new(Context))
	Close(all)
	Close(all) // which does nothing, as rule 5 says
	if done.closes != 0 || pending.closes != 1 {
		t.Errorf("the finished child was closed %d times and the pending one %d times, want 0 and 1", done.closes, pending.closes)
	}
}
