package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testHangs = "Park must sleep, and Wake must not; does Park go round and round, or does Wake wait for somebody?"

// A testParked goroutine is one that has called Park.
type testParked struct{ up chan struct{} }

func testPark(p *Parker) testParked {
	g := testParked{make(chan struct{})}
	go func() {
		p.Park()
		close(g.up)
	}()
	return g
}

// isUp says whether its Park has returned, once all have come to rest.
func (g testParked) isUp() bool {
	synctest.Wait()
	select {
	case <-g.up:
		return true
	default:
		return false
	}
}

func TestParkSleepsUntilWake(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewParker()
		g := testPark(p)
		if g.isUp() && testPark(p).isUp() {
			t.Fatal("parker.go is not started: Park returned, twice, and nobody has called Wake")
		}
		if g.isUp() {
			t.Fatal("Park returned, and nobody has called Wake; is there a token in a new Parker?")
		}
		p.Wake()
		if !g.isUp() {
			t.Fatal("Park sleeps on after a Wake; does it wait for something else, or sleep by the clock instead of until it is woken?")
		}
	})
}

func TestWakeBeforePark(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewParker()
		p.Wake()
		if g := testPark(p); !g.isUp() {
			t.Fatal("Wake was called before Park, and Park sleeps: that wake is over, and no other one comes. What has it left for the Park that is next?")
		}
	})
}

func TestManyWakesAreOne(t *testing.T) {
	check.Bubble(t, 2*time.Second, "Wake was called twice while nobody was parked, and a second Wake waits: it must return at once, for whoever wakes has other things to do", func(t testing.TB) {
		p := NewParker()
		for range 1000 {
			p.Wake()
		}
		if g := testPark(p); !g.isUp() {
			t.Fatal("Wake was called 1,000 times before Park, and Park sleeps")
		}
		g := testPark(p)
		if g.isUp() {
			t.Fatal("Wake was called 1,000 times, then Park twice, and the second one returned as well: the Park before it has taken the token, and 1,000 wakes leave one")
		}
		p.Wake()
		if !g.isUp() {
			t.Fatal("the second Park sleeps on after a Wake of its own")
		}
	})
}

func TestEachParkNeedsAWake(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewParker()
		for n := 1; n <= 3; n++ {
			g := testPark(p)
			if g.isUp() {
				t.Fatalf("Park number %d returned without a wake of its own: the Park before it has taken the token", n)
			}
			p.Wake()
			if !g.isUp() {
				t.Fatalf("Park number %d sleeps on after a Wake", n)
			}
		}
	})
}

func TestWakesFromManyGoroutines(t *testing.T) {
	check.Bubble(t, 2*time.Second, testHangs, func(t testing.TB) {
		p := NewParker()
		g := testPark(p)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 100 {
					p.Wake()
				}
			})
		}
		all.Wait()
		if !g.isUp() {
			t.Fatal("8 goroutines called Wake 100 times each, and Park sleeps on")
		}
	})
}
