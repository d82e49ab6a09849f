package main

import (
	"fmt"
	"testing"
)

func TestManyCases(t *testing.T) {
	testTry(t, func(t *testTable) {
		for _, n := range []int{1, 63, 64, 65, 127, 255, 256, 257, 1000} {
			for _, which := range []int{0, n / 2, n - 1} {
				f, w, what := t.lay(n), new(testWaker), fmt.Sprintf("none of %d cases is possible at the first poll", n)
				t.want(f, w, what, -1)
				t.wantRegistered(1, what)
				t.cases[which].become()
				if what += fmt.Sprintf(", and then case %d is", which); w.woken == 0 {
					t.Fatalf("%s, and the waker wasn't called", what)
				}
				t.want(f, w, what, which)
				t.wantRegistered(0, what)
			}
		}
	})
}

// testDoor is a case that's possible or not.
type testDoor bool

func (d testDoor) Try() bool             { return bool(d) }
func (d testDoor) Register(Waker) func() { return func() {} }

func TestSelectIsFairIfThereAreMany(t *testing.T) {
	testTry(t, func(t *testTable) {
		for _, n := range []int{9, 17, 33, 65, 129, 257} {
			cases := make([]Case, n)
			for i := range n {
				cases[i] = testDoor(i == 0 || i == n-1)
			}
			const rounds = 1600
			first := 0
			for range rounds {
				i, ready := Select(cases...).Poll(&Context{waker: new(testWaker)})
				if !ready || i != 0 && i != n-1 {
					t.Fatalf("the first and the last of %d cases are possible: Poll returned %d, %t", n, i, ready)
				}
				if i == 0 {
					first++
				}
			}
			if first < rounds*40/100 || first > rounds*60/100 {
				t.Fatalf("of %d cases the first and the last are possible, in each of %d rounds: the first has happened %d times, want about %d: is there a number of cases from which on the draw is another one?", n, rounds, first, rounds/2)
			}
		}
	})
}
