package main

import (
	_ "embed"
	"go/ast"
	"go/parser"
	"go/token"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed parker.go
var testSource string

const testHangs = "Park must sleep, and Wake must not; does Park go round and round, or does Wake wait?"

// testTry runs f in a bubble, in which a goroutine that sleeps is known to sleep.
func testTry(t *testing.T, sentence string, f func(t testing.TB)) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: parker.go is not started")
	}
	check.Bubble(t, 2*time.Second, sentence, func(t testing.TB) {
		t.Helper()
		start := time.Now()
		f(t)
		if took := time.Since(start); took > 0 && !t.Failed() {
			t.Errorf("it took %v: Park sleeps by the clock instead of until it's woken", took)
		}
	})
}

func TestNoChannel(t *testing.T) {
	check.Started(t, "parker.go", testSource)
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "parker.go", testSource, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.ChanType); ok {
			t.Errorf("%v has a channel: that's the chapter's Parker, and this one is without", fset.Position(c.Pos()))
		}
		return true
	})
	for _, imported := range file.Imports {
		if path := imported.Path.Value; path != `"sync"` && path != `"sync/atomic"` {
			t.Errorf("%v imports %s: a lock and a condition variable are enough, and both are in sync", fset.Position(imported.Pos()), path)
		}
	}
}

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

// isUp reports whether its Park has returned, once everything has come to rest.
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
	testTry(t, testHangs, func(t testing.TB) {
		p := NewParker()
		g := testPark(p)
		if g.isUp() {
			t.Fatal("Park returned without a call of Wake; is there a token in a new Parker?")
		}
		p.Wake()
		if !g.isUp() {
			t.Fatal("Park sleeps on after a Wake; does it wait for something else, or sleep by the clock instead of until it is woken?")
		}
	})
}

func TestWakeBeforePark(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
		p := NewParker()
		p.Wake()
		if g := testPark(p); !g.isUp() {
			t.Fatal("Wake was called before Park, and Park sleeps: that wake is over, and no other one comes. What has it left for the next Park?")
		}
	})
}

func TestManyWakesAreOne(t *testing.T) {
	for _, wakes := range []int{2, 1000, 256, 65_536} {
		testTry(t, "Wake was called twice before Park, and a second Wake waits: it must return at once, because its caller has other things to do", func(t testing.TB) {
			p := NewParker()
			for range wakes {
				p.Wake()
			}
			if g := testPark(p); !g.isUp() {
				t.Fatalf("Wake was called %d times before Park, and Park sleeps", wakes)
			}
			g := testPark(p)
			if g.isUp() {
				t.Fatalf("Wake was called %d times, then Park twice, and the second one returned as well: the Park before it has taken the token, and %[1]d wakes leave one", wakes)
			}
			p.Wake()
			if !g.isUp() {
				t.Fatal("the second Park sleeps on after a Wake of its own")
			}
		})
	}
}

func TestEachParkNeedsAWake(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
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

// Three goroutines sleep in a Parker each, and are woken in another order.
func TestParkersDoNotShare(t *testing.T) {
	for _, wakes := range [][]int{{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}} {
		testTry(t, testHangs, func(t testing.TB) {
			var parkers [4]*Parker
			var sleepers [4]testParked
			for i := range parkers {
				parkers[i] = NewParker()
			}
			for i := 1; i <= 3; i++ {
				if sleepers[i] = testPark(parkers[i]); sleepers[i].isUp() {
					t.Fatalf("Park of Parker %d returned without a call of Wake", i)
				}
			}
			for n, woken := range wakes {
				if parkers[woken].Wake(); !sleepers[woken].isUp() {
					t.Errorf("three goroutines have parked, each in a Parker of its own, 1, then 2, then 3. The one in Parker %d sleeps on after a Wake of its own Parker; has another one heard the signal?", woken)
				}
				for _, other := range wakes[n+1:] {
					if sleepers[other].isUp() {
						t.Errorf("two Parkers share something: Park of Parker %d returned when Wake of Parker %d was called", other, woken)
					}
				}
				if t.Failed() {
					break
				}
			}
			for i := 1; i <= 3 && t.Failed(); i++ { // lets the sleepers go
				parkers[i].Wake()
			}
		})
		if t.Failed() {
			return
		}
	}
}

func TestWakesFromManyGoroutines(t *testing.T) {
	testTry(t, testHangs, func(t testing.TB) {
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

// All orders of a goroutine that parks and others that wake it.
func TestEveryOrder(t *testing.T) {
	order.All(t, "parker.go", testSource,
		order.Scenario{Story: "a sleeper parks, and a waker calls Wake when it sleeps", Run: func(s *order.Schedule) {
			p := NewParker()
			s.Go("sleeper", p.Park)
			s.Go("waker", func() {
				s.Wait("(the sleeper sleeps)", "until the sleeper sleeps", func() bool { return s.Asleep("sleeper") })
				if n := s.Steps("sleeper"); n > 40 {
					s.Fatalf("the sleeper takes %d steps before it sleeps: it goes round and round for a while", n)
				}
				p.Wake()
			})
		}},
		order.Scenario{Story: "a sleeper parks, and a waker calls Wake", Bound: 3, Run: func(s *order.Schedule) {
			p := NewParker()
			s.Go("sleeper", p.Park)
			s.Go("waker", p.Wake)
		}},
		order.Scenario{Story: "two wakers bring a letter each and call Wake; a sleeper parks until it has seen both", Run: func(s *order.Schedule) {
			p, letters := NewParker(), 0
			s.Go("sleeper", func() {
				for {
					s.Step("looks for letters")
					if letters == 2 {
						return
					}
					p.Park()
				}
			})
			for _, name := range []string{"waker 1", "waker 2"} {
				s.Go(name, func() {
					s.Step("brings a letter")
					letters++
					p.Wake()
				})
			}
		}},
		order.Scenario{Story: "a sleeper parks twice, and a waker calls Wake once", Run: func(s *order.Schedule) {
			testParks(s, NewParker(), 1)
		}},
		order.Scenario{Story: "a sleeper parks three times, and a waker calls Wake, and once more when the first Park has returned", Bound: 1, Run: func(s *order.Schedule) {
			testParks(s, NewParker(), 2)
		}},
		order.Scenario{Story: "a sleeper parks, and two wakers call Wake when it sleeps", Bound: 1, Run: func(s *order.Schedule) {
			p, over := NewParker(), false
			s.Go("sleeper", p.Park)
			for _, name := range []string{"waker 1", "waker 2"} {
				s.Go(name, func() {
					s.Wait("(the sleeper has parked)", "until the sleeper has parked", func() bool { return s.Asleep("sleeper") || !s.Sleeps("sleeper") })
					p.Wake()
				})
			}
			s.Go("test", func() {
				s.Wait("(sees that a waker sleeps)", "until a waker sleeps", func() bool { return s.Asleep("waker 1") || s.Asleep("waker 2") })
				if !over {
					s.Fatalf("a Wake sleeps: its caller has other things to do, also while another Wake is still waking the sleeper")
				}
			})
			s.MaySleep("test")
			s.Finally(func() { over = true })
		}},
	)
}

// testParks has a sleeper that parks once more than it's woken.
func testParks(s *order.Schedule, p *Parker, wakes int) {
	up, over := 0, false
	s.Go("sleeper", func() {
		for range wakes {
			p.Park()
			up++
		}
		if p.Park(); over {
			return
		}
		s.Fatalf("Park has returned %d times, and Wake was called %d times: has one returned without taking the token, or without looking for it? Each Park needs a Wake of its own", wakes+1, wakes)
	})
	s.MaySleep("sleeper") // in the last Park
	s.Go("waker", func() {
		for n := range wakes {
			if n > 0 {
				s.Wait("(sees that Park has returned)", "until Park has returned", func() bool { return up == n })
			}
			p.Wake()
		}
	})
	s.Finally(func() {
		if up < wakes {
			s.Fatalf("Wake was called %d times, and Park has returned %d times: the sleeper sleeps through a wake", wakes, up)
		}
		over = true
		p.Wake()
	})
}
