// want: rejects a right JoinAll
package main

import (
	"slices"
	"testing"
)

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

func checkJoinAll(t testing.TB, joinAll func(...Future[string]) Future[[]string]) {
	ps := []*Probe{{n: 3, value: "a"}, {n: 1, value: "b"}, {n: 2, value: "c"}}
	j := joinAll(ps[0], ps[1], ps[2])
	for p := 1; p <= 3; p++ {
		values, ready := j.Poll(new(Context))
		for i, c := range ps {
			if c.polls != min(p, c.n) {
				t.Fatalf("after poll %d, child %d has been polled %d times, want %d", p, i, c.polls, min(p, c.n))
			}
		}
		if ready != (p == 3) {
			t.Fatalf("poll %d gave ready %v", p, ready)
		}
		if !ready && values != nil {
			t.Fatalf("poll %d is pending and has values", p)
		}
		if ready && !slices.Equal(values, []string{"a", "b", "c"}) {
			t.Fatalf("values are %q", values)
		}
	}
	values, ready := joinAll().Poll(new(Context))
	if !ready || values == nil || len(values) != 0 {
		t.Fatalf("nothing to join gave %q, %v", values, ready)
	}
	done, pending := &Probe{n: 1}, &Probe{n: 5}
	k := joinAll(done, pending)
	k.Poll(new(Context))
	Close(k)
	if done.closes != 0 {
		t.Fatalf("a finished child was closed %d times", done.closes)
	}
	if pending.closes != 1 {
		t.Fatalf("a pending child was closed %d times", pending.closes)
	}
}
