package main

import (
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
	"github.com/async-go-tutorial/async-runtime/exercises/check/order"
)

//go:embed pool.go
var testSource string

const testReturns = "Poll and Close must return at once, also while functions run; is a lock held while one does, or is a place never given back?"

// A testScene is a pool in a bubble, with calls that end when the test says so.
type testScene struct {
	testing.TB
	n    int
	pool *Pool

	mu         sync.Mutex
	steps      []string
	running    []string
	goroutines int
	calls      []*testCall
	escaped    any // a panic that came out of what start was given
	tooMany    bool
}

// A testCall counts its wakes.
type testCall struct {
	s     *testScene
	name  string
	f     Future[Result]
	value string
	ends  chan func() // what the function does in the end
	ran   int
	woken int
	then  func() // inside Wake, once
}

func (c *testCall) Wake() {
	c.s.mu.Lock()
	c.woken++
	c.s.steps = append(c.s.steps, c.name+" is woken")
	then := c.then
	c.then = nil
	c.s.mu.Unlock()
	if then != nil {
		then()
	}
}

func (s *testScene) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, fmt.Sprintf(format, args...))
}

func (s *testScene) story() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.steps[max(0, len(s.steps)-14):], ", ")
}

func (s *testScene) start(f func()) {
	s.mu.Lock()
	s.goroutines++
	s.mu.Unlock()
	go func() {
		defer func() {
			v := recover()
			s.mu.Lock()
			s.goroutines--
			if v != nil {
				s.escaped = v
			}
			s.mu.Unlock()
		}()
		f()
	}()
}

func testTry(t *testing.T, n int, f func(s *testScene)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestCallIsRun" {
		t.Skip("not tried: pool.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "pool.go", testSource)
		s := &testScene{TB: t, n: n}
		s.pool = NewPool(n, new(order.Mutex), s.start)
		s.note("a pool for %d", n)
		defer func() {
			for _, c := range s.calls { // let all goroutines go
				select {
				case <-c.ends:
				default:
					close(c.ends)
				}
			}
		}()
		f(s)
	})
}

func (s *testScene) call(name string) *testCall {
	c := &testCall{s: s, name: name, value: "value of " + name, ends: make(chan func())}
	s.calls = append(s.calls, c)
	c.f = s.pool.Call(func() string {
		s.mu.Lock()
		c.ran++
		s.running = append(s.running, name)
		s.steps = append(s.steps, name+" begins")
		s.tooMany = s.tooMany || len(s.running) > s.n
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.running = slices.DeleteFunc(s.running, func(other string) bool { return name == other })
			s.steps = append(s.steps, name+" ends")
		}()
		if end := <-c.ends; end != nil {
			end()
		}
		return c.value
	})
	return c
}

// settle waits until all goroutines sleep, and wants these to be running.
func (s *testScene) settle(look string, running ...string) {
	s.Helper()
	synctest.Wait()
	s.mu.Lock()
	got, tooMany, escaped, goroutines := slices.Clone(s.running), s.tooMany, s.escaped, s.goroutines
	s.mu.Unlock()
	slices.Sort(got)
	switch {
	case escaped != nil:
		s.Fatalf("%s: a panic (%v) comes out of the function that start was given, which ends the process", s.story(), escaped)
	case tooMany:
		s.Fatalf("%s: that's more than %d functions at a time", s.story(), s.n)
	case !slices.Equal(got, running):
		s.Fatalf("%s: the functions that run are %v, want %v: %s", s.story(), got, running, look)
	case len(running) == 0 && goroutines > 0:
		s.Fatalf("%s: no function runs or waits, and %d goroutines that were started are still there: an idle pool costs nothing", s.story(), goroutines)
	}
}

func (c *testCall) want(want, look string) {
	c.s.Helper()
	c.s.note("%s is polled", c.name)
	r, ready := c.f.Poll(&Context{waker: c})
	got := fmt.Sprintf("{%q %v}, %t", r.Value, r.Err, ready)
	switch want {
	case "pending":
		if ready || r != (Result{}) {
			c.s.Fatalf("%s: that Poll returned %s, want {\"\" <nil>}, false: %s", c.s.story(), got, look)
		}
	case "value":
		if !ready || r != (Result{Value: c.value}) {
			c.s.Fatalf("%s: that Poll returned %s, want {%q <nil>}, true: %s", c.s.story(), got, c.value, look)
		}
	default:
		if !ready || r.Err == nil || r.Value != "" || !strings.Contains(r.Err.Error(), want) {
			c.s.Fatalf("%s: that Poll returned %s, want an Err with %q in it, and true: %s", c.s.story(), got, want, look)
		}
	}
}

func (c *testCall) wantWoken(times int, look string) {
	c.s.Helper()
	synctest.Wait()
	c.s.mu.Lock()
	woken := c.woken
	c.woken = 0
	c.s.mu.Unlock()
	if woken != times {
		c.s.Fatalf("%s: the waker of %s was called %d times, want %d: %s", c.s.story(), c.name, woken, times, look)
	}
}

func (c *testCall) close() {
	c.s.note("%s is closed", c.name)
	Close(c.f)
}

// A function may return anything, also what looks like nothing.
func TestCallIsRun(t *testing.T) {
	for _, value := range []string{"tea", "", "0", "<nil>", "100 %d %!s", "panic: no toast", fmt.Sprint(check.Random(t).Uint64())} {
		testTry(t, 2, func(s *testScene) {
			a := s.call("a")
			a.value = value
			s.settle("nothing has polled it")
			a.want("pending", "its function blocks")
			s.settle("a was polled, and there's a place", "a")
			a.want("pending", "its function blocks")
			a.wantWoken(0, "its function hasn't returned")
			a.ends <- nil
			s.settle("a has returned")
			a.wantWoken(1, "its function has returned")
			a.want("value", fmt.Sprintf("its function has returned %q, and that's a value like any other", value))
			if a.ran != 1 {
				s.Fatalf("%s: the function was run %d times, want once", s.story(), a.ran)
			}
		})
	}
}

func TestNoMoreThanThatManyAtATime(t *testing.T) {
	testTry(t, 2, func(s *testScene) {
		var all []*testCall
		for _, name := range strings.Fields("a b c d e") {
			all = append(all, s.call(name))
		}
		e, d, c, b, a := all[4], all[3], all[2], all[1], all[0]
		for _, w := range []*testCall{a, b, e, d, c} {
			w.want("pending", "its function blocks, or waits")
		}
		e.want("pending", "it waits, and polling it again doesn't change its place")
		s.settle("there are two places", "a", "b")
		b.ends <- nil
		s.settle("e was polled first among those that wait: first come, first served", "a", "e")
		a.ends <- nil
		s.settle("d was polled next", "d", "e")
		d.ends <- nil
		s.settle("c was polled next", "c", "e")
		e.ends <- nil
		c.ends <- nil
		s.settle("all have returned")
		for _, w := range all {
			w.wantWoken(1, "its function has returned")
			w.want("value", "its function has returned")
		}
		f := s.call("f")
		f.want("pending", "its function blocks")
		s.settle("the places are free again", "f")
		f.ends <- nil
		s.settle("f has returned")
	})
}

// A woken task polls a new call at once, inside Wake, while another one waits.
func TestNothingGetsInBetween(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a, b, c := s.call("a"), s.call("b"), s.call("c")
		a.want("pending", "its function blocks")
		b.want("pending", "a has the only place")
		a.then = func() { c.want("pending", "b was polled before it, and there's one place") }
		a.ends <- nil
		s.settle("inside the Wake of a, c was polled for the first time, and b was polled before that: is a place free for a moment while others wait for it?", "b")
		b.ends <- nil
		s.settle("b has returned, and c waits", "c")
		c.ends <- nil
		s.settle("all have returned")
		c.want("value", "its function has returned")
	})
}

func TestLatestWakerIsCalled(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a, b, other := s.call("a"), s.call("b"), &testCall{s: s, name: "an earlier waker"}
		a.f.Poll(&Context{waker: other})
		a.want("pending", "its function blocks")
		b.f.Poll(&Context{waker: other})
		b.want("pending", "a has the only place")
		a.ends <- nil
		a.wantWoken(1, "it was polled with two wakers, and the latest counts")
		b.ends <- nil
		b.wantWoken(1, "it was polled with two wakers while it waited, and the latest counts")
		other.wantWoken(0, "a and b were polled with two wakers each, and the latest counts")
	})
}

func TestClosedWhileItWaits(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a, b, c := s.call("a"), s.call("b"), s.call("c")
		for _, w := range []*testCall{a, b, c} {
			w.want("pending", "its function blocks, or waits")
		}
		b.close()
		b.close()
		s.settle("a has the only place", "a")
		a.ends <- nil
		s.settle("b was closed while it waited, so its function never runs, and c is next", "c")
		c.ends <- nil
		s.settle("all have returned")
		if b.ran > 0 {
			s.Fatalf("%s: b was closed while it waited, and its function was run", s.story())
		}
		b.wantWoken(0, "it was closed")
	})
}

// A call that was closed before its first poll, and that's polled then, is like any other.
func TestClosedBeforeTheFirstPoll(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a, b := s.call("a"), s.call("b")
		a.close()
		a.close()
		b.close()
		s.settle("nothing was polled")
		const look = "it was closed before its first poll, and that does nothing: it's a call like any other"
		a.want("pending", look)
		s.settle("a was closed before its first poll, which does nothing, and then polled", "a")
		b.want("pending", look)
		a.ends <- nil
		s.settle("b was closed before its first poll, which does nothing, and was polled while a ran", "b")
		a.wantWoken(1, look)
		a.want("value", look)
		b.close()
		b.ends <- nil
		s.settle("all have returned")
		b.wantWoken(0, "it was closed while its function ran")
	})
}

func TestClosedWhileItRuns(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a, b := s.call("a"), s.call("b")
		a.want("pending", "its function blocks")
		b.want("pending", "a has the only place")
		a.close()
		s.settle("a was closed, but its function still blocks a goroutine: nothing can stop it, so the place isn't free", "a")
		a.ends <- nil
		s.settle("a's function has returned at last", "b")
		a.wantWoken(0, "it was closed before its function returned")
		a.close()
		b.ends <- nil
		s.settle("all have returned")
		b.want("value", "its function has returned")
		c := s.call("c")
		c.want("pending", "its function blocks")
		s.settle("the place is free again", "c")
	})
}

func TestClosedWhenItIsDone(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a := s.call("a")
		a.want("pending", "its function blocks")
		a.ends <- nil
		s.settle("a has returned")
		a.close()
		a.close()
		b, c := s.call("b"), s.call("c")
		b.want("pending", "its function blocks")
		c.want("pending", "there's one place, and a was closed twice")
		s.settle("there's one place, and a was closed twice, after it had returned", "b")
		b.ends <- nil
		b.wantWoken(1, "its function has returned")
		b.want("value", "its function has returned")
		b.close()
		s.settle("b has returned", "c")
		c.ends <- nil
		s.settle("c has returned")
		c.close()
		c.wantWoken(1, "its function has returned")
		c.want("value", "it was closed after its function had returned, and that does nothing")
	})
}

func TestFunctionThatPanics(t *testing.T) {
	for _, test := range []struct {
		how, text string
		end       func()
	}{
		{"panics", "no toast", func() { panic("no toast") }},
		{"panics with an empty text", "", func() { panic("") }},
		{"panics with a text that has percent signs", "100 %d of it, %s", func() { panic("100 %d of it, %s") }},
		{"panics with an error", "no tea", func() { panic(errors.New("no tea")) }},
		{"panics with a number", "1507", func() { panic(1507) }},
		{"panics with a value that has a method String", "1m30s", func() { panic(90 * time.Second) }},
		{"panics with nil", "nil", func() { panic(nil) }},
		{"ends its goroutine", "", runtime.Goexit},
	} {
		how := test.how
		testTry(t, 1, func(s *testScene) {
			a, b := s.call("a"), s.call("b")
			a.want("pending", "its function blocks")
			b.want("pending", "a has the only place")
			a.ends <- test.end
			s.settle("the function of a "+how+", and b waits for its place", "b")
			a.wantWoken(1, "its function "+how)
			a.want(test.text, "its function "+how)
			b.ends <- nil
			s.settle("b has returned")
			b.want("value", "its function has returned")
		})
	}
}

func TestClosedAndPanics(t *testing.T) {
	testTry(t, 1, func(s *testScene) {
		a, b := s.call("a"), s.call("b")
		a.want("pending", "its function blocks")
		b.want("pending", "a has the only place")
		a.close()
		a.ends <- func() { panic("no toast") }
		s.settle("a was closed, and then its function panics", "b")
		a.wantWoken(0, "it was closed")
	})
}

// The tasks that wait for calls, and the goroutines, in every order.
func TestEveryOrder(t *testing.T) {
	scenario := func(story string, places int, closes bool) order.Scenario {
		return order.Scenario{Story: story, Bound: 1, Run: func(s *order.Schedule) {
			running, goroutines := 0, 0
			pool := NewPool(places, new(order.Mutex), func(f func()) {
				if order.Held() {
					s.Fatalf("start is called with the lock held")
				}
				goroutines++
				s.Go(fmt.Sprint("runner ", goroutines), f)
			})
			call := func(name string) Future[Result] {
				return pool.Call(func() string {
					if order.Held() {
						s.Fatalf("the function of %s is run with the lock held", name)
					}
					if running++; running > places {
						s.Fatalf("that's more than %d functions at a time", places)
					}
					s.Step("runs the function of " + name)
					running--
					return name
				})
			}
			wait := func(name string) {
				f := call(name)
				for {
					w := s.Waker()
					r, ready := f.Poll(&Context{waker: w})
					if ready {
						if r != (Result{Value: name}) {
							s.Fatalf("Poll of %s returned {%q %v}, true, want {%q <nil>}, true", name, r.Value, r.Err, name)
						}
						return
					}
					w.Sleep()
				}
			}
			s.Go("task a", func() {
				if closes {
					f := call("a")
					f.Poll(&Context{waker: s.Waker()})
					Close(f)
				} else {
					wait("a")
				}
			})
			s.Go("task b", func() { wait("b") })
		}}
	}
	// The first task polls once, and gives the future to the second.
	moved := order.Scenario{Story: "a call is polled, and then given to another task, which polls it with another waker", Bound: 1, Run: func(s *order.Schedule) {
		goroutines := 0
		pool := NewPool(1, new(order.Mutex), func(f func()) {
			goroutines++
			s.Go(fmt.Sprint("runner ", goroutines), f)
		})
		f := pool.Call(func() string { return "tea" })
		s.Go("first task", func() {
			r, ready := f.Poll(&Context{waker: s.Waker()})
			if !ready {
				s.Go("second task", func() {
					w := s.Waker()
					for r, ready = f.Poll(&Context{waker: w}); !ready; r, ready = f.Poll(&Context{waker: w}) {
						w.Sleep()
					}
					if r != (Result{Value: "tea"}) {
						s.Fatalf("Poll returned {%q %v}, true, want {\"tea\" <nil>}, true", r.Value, r.Err)
					}
				})
			}
		})
	}}
	order.All(t, "pool.go", testSource,
		moved,
		scenario("two calls share one place", 1, false),
		scenario("two calls share one place, and one is closed", 1, true),
	)
}
