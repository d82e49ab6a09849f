// want: rejects a right JoinAll, whose second Close
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
	probes := []*Probe{{n: 3, value: "a"}, {n: 1, value: "b"}, {n: 2, value: "c"}}
	want := []string{"a", "b", "c"}
	f := joinAll(probes[0], probes[1], probes[2])
	for round := 1; round <= 3; round++ {
		values, ready := f.Poll(new(Context))
		for i, p := range probes {
			if p.polls != min(round, p.n) {
				t.Fatal("after poll", round, "child", i, "was polled", p.polls, "times, want", min(round, p.n))
			}
		}
		switch {
		case ready != (round == 3):
			t.Fatal("poll", round, "returns", ready, "but the last child is ready in poll 3")
		case !ready && values != nil:
			t.Fatal("poll", round, "is pending, and returns the values", values)
		case ready && !slices.Equal(values, want):
			t.Fatal("the values are", values, "want", want)
		}
	}
	Close(f)
	for i, p := range probes {
		if p.closes != 0 {
			t.Error("all have finished, and then Close closes child", i)
		}
	}

	if values, ready := joinAll().Poll(new(Context)); !ready || len(values) != 0 {
		t.Error("a join of nothing returns", values, ready, "at its first poll")
	}

	finished, pending := &Probe{n: 1}, &Probe{n: 2}
	f = joinAll(finished, pending)
	f.Poll(new(Context))
	for call := 1; call <= 2; call++ {
		if err := Close(f); err != nil {
			t.Fatal("Close number", call, "returns", err)
		}
		if finished.closes != 0 || pending.closes != 1 {
			t.Fatal("after Close number", call, "the finished child was closed", finished.closes,
				"times, want 0, and the pending one", pending.closes, "times, want 1")
		}
	}

	first, second := &Probe{n: 1}, &Probe{n: 2}
	f = joinAll(first, second)
	for call := 1; call <= 2; call++ {
		Close(f)
		if first.closes != 1 || second.closes != 1 {
			t.Fatal("not polled yet; after Close number", call, "the children were closed", first.closes,
				"and", second.closes, "times, want 1 and 1")
		}
	}
}
