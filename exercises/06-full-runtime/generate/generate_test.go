package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed generate.go
var testSource string

const testReturns = "Poll and Close must return when the body rests; does the body run on another goroutine, or does one wait for the other?"

// A testScene is a sequence, and what its body does.
type testScene struct {
	testing.TB
	s   *Sequence[string]
	did []string
	cx  *Context // of the poll that's going on; nil outside
}

func (s *testScene) note(format string, args ...any) {
	s.did = append(s.did, fmt.Sprintf(format, args...))
}

func (s *testScene) story() string { return strings.Join(s.did, ", ") }

// A testFuture is ready at its n-th poll. With n 0 it never is, with n below 0 it
// panics.
type testFuture struct {
	scene  *testScene
	name   string
	n      int
	polls  int
	closes int
}

func (f *testFuture) Poll(cx *Context) (string, bool) {
	s := f.scene
	f.polls++
	s.note("%s is polled", f.name)
	if s.cx == nil {
		s.Fatalf("%s: and no poll of Next is going on, so nothing will ever poll it again", s.story())
	}
	if cx == nil || cx != s.cx {
		s.Fatalf("%s: and that was with another Context than the one that Next was polled with: when %s is ready, nothing is woken", s.story(), f.name)
	}
	if f.n < 0 {
		panic("no " + f.name)
	}
	if f.polls != f.n {
		return "", false
	}
	return "value of " + f.name, true
}

func (f *testFuture) Close() error {
	f.closes++
	f.scene.note("%s is closed", f.name)
	return nil
}

func (s *testScene) future(name string, n int) *testFuture {
	return &testFuture{scene: s, name: name, n: n}
}

func testTry(t *testing.T, f func(s *testScene)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestValuesComeOneByOne" {
		t.Skip("not tried: generate.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "generate.go", testSource)
		f(&testScene{TB: t})
	})
}

// poll polls, and returns what comes, or the panic.
func (s *testScene) poll(f Future[Item[string]]) (got string) {
	s.cx = new(Context)
	defer func() {
		s.cx = nil
		if v := recover(); v != nil {
			got = fmt.Sprintf("the panic %v", v)
		}
		s.note("Poll: %s", got)
	}()
	item, ready := f.Poll(s.cx)
	return fmt.Sprintf("{%q %t}, %t", item.Value, item.OK, ready)
}

const (
	testPending = `{"" false}, false`
	testEnd     = `{"" false}, true`
)

func testItem(v string) string { return fmt.Sprintf("{%q true}, true", v) }

func (s *testScene) want(f Future[Item[string]], want, look string) {
	s.Helper()
	if got := s.poll(f); got != want {
		s.Fatalf("%s; want %s: %s", s.story(), want, look)
	}
}

func (s *testScene) wantStory(want, look string) {
	s.Helper()
	if got := s.story(); got != want {
		s.Fatalf("what has happened is: %s; want: %s. %s", got, want, look)
	}
}

func (s *testScene) close() {
	defer func() {
		if v := recover(); v != nil {
			s.note("Close: the panic %v", v)
		}
	}()
	s.note("Close")
	s.s.Close()
}

func TestValuesComeOneByOne(t *testing.T) {
	r := check.Random(t)
	testTry(t, func(s *testScene) {
		n := 2 + r.IntN(5)
		s.s = Generate(func(g *Gen[string]) {
			for i := range n {
				g.Emit(fmt.Sprint("value ", i))
			}
		})
		for i := range n {
			s.want(s.s.Next(), testItem(fmt.Sprint("value ", i)), "the body emits its values in this order, one for each Next")
		}
		for range 3 {
			s.want(s.s.Next(), testEnd, "the body has returned")
		}
	})
}

func TestBodyRunsOnlyWhenAsked(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			s.note("begin")
			g.Emit("tea")
			s.note("after tea")
			g.Emit("toast")
			s.note("end")
		})
		f := s.s.Next()
		s.wantStory("", "Nothing has been polled yet.")
		s.want(f, testItem("tea"), "the first value")
		f = s.s.Next()
		s.wantStory(`begin, Poll: {"tea" true}, true`, "The body rests in Emit until the next value is wanted, and Next alone doesn't poll.")
		s.want(f, testItem("toast"), "the second value")
		s.want(s.s.Next(), testEnd, "the body has returned")
		s.wantStory(`begin, Poll: {"tea" true}, true, after tea, Poll: {"toast" true}, true, end, Poll: {"" false}, true`, "")
	})
}

func TestAwait(t *testing.T) {
	testTry(t, func(s *testScene) {
		kettle, cup := s.future("kettle", 3), s.future("cup", 1)
		s.s = Generate(func(g *Gen[string]) {
			v := Await(g, kettle)
			s.note("Await: %s", v)
			w := Await(g, cup)
			g.Emit(v + " and " + w)
		})
		f := s.s.Next()
		s.want(f, testPending, "the kettle is ready at its third poll")
		s.want(f, testPending, "the kettle is ready at its third poll")
		if kettle.polls != 2 {
			s.Fatalf("%s: Next was polled twice, and the kettle %d times, want twice: each poll of Next is one of the future that the body waits for", s.story(), kettle.polls)
		}
		s.want(f, testItem("value of kettle and value of cup"), "the kettle is ready now, the cup at once, and the body goes on in the same poll until it has a value")
		if kettle.closes+cup.closes > 0 {
			s.Fatalf("%s: both were ready, so there's nothing to close", s.story())
		}
		s.want(s.s.Next(), testEnd, "the body has returned")
	})
}

// Between two values, nothing of the first one is left.
func TestAwaitBetweenValues(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			g.Emit("tea")
			g.Emit(Await(g, s.future("kettle", 3)))
			Await(g, s.future("cup", 2))
		})
		s.want(s.s.Next(), testItem("tea"), "the first value")
		for _, name := range []string{"kettle", "kettle", "", "cup"} {
			if name == "" {
				s.want(s.s.Next(), testItem("value of kettle"), "the kettle is ready at its third poll")
				continue
			}
			s.want(s.s.Next(), testPending, "the "+name+" is not ready, so this Poll has no value: it returns the zero Item and false, whatever was emitted before")
		}
		s.want(s.s.Next(), testEnd, "the cup is ready at its second poll, and then the body returns")
	})
}

func TestNextThatIsClosed(t *testing.T) {
	testTry(t, func(s *testScene) {
		kettle := s.future("kettle", 4)
		s.s = Generate(func(g *Gen[string]) {
			g.Emit(Await(g, kettle))
			g.Emit("toast")
		})
		for range 3 {
			f := s.s.Next()
			s.want(f, testPending, "the kettle isn't ready")
			Close(f)
			Close(f)
		}
		s.want(s.s.Next(), testItem("value of kettle"), "each Next but this one was closed while it was pending, and the body is where it was")
		Close(s.s.Next())
		s.want(s.s.Next(), testItem("toast"), "a Next that was never polled takes no value")
		s.want(s.s.Next(), testEnd, "the body has returned")
	})
}

func TestCloseInEmit(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			defer s.note("cleanup 1")
			defer s.note("cleanup 2")
			g.Emit("tea")
			s.note("Emit has returned")
			g.Emit("toast")
		})
		s.want(s.s.Next(), testItem("tea"), "the first value")
		s.close()
		s.wantStory(`Poll: {"tea" true}, true, Close, cleanup 2, cleanup 1`, "Close ends the body where it rests: its deferred functions run before Close returns, and nothing else.")
		s.close()
		s.want(s.s.Next(), testEnd, "the sequence is closed")
		s.want(s.s.Next(), testEnd, "the sequence is closed")
		s.wantStory(`Poll: {"tea" true}, true, Close, cleanup 2, cleanup 1, Close, Poll: {"" false}, true, Poll: {"" false}, true`, "After Close, nothing runs anymore.")
	})
}

func TestCloseInAwait(t *testing.T) {
	testTry(t, func(s *testScene) {
		kettle := s.future("kettle", 0)
		s.s = Generate(func(g *Gen[string]) {
			defer s.note("cleanup")
			Await(g, kettle)
			s.note("Await has returned")
		})
		s.want(s.s.Next(), testPending, "the kettle is never ready")
		s.close()
		s.close()
		s.wantStory(`kettle is polled, Poll: {"" false}, false, Close, kettle is closed, cleanup, Close`, "Close ends the body where it rests, and the future that it waited for is closed, once, like everything that's abandoned.")
		s.want(s.s.Next(), testEnd, "the sequence is closed")
	})
}

func TestCloseBeforeTheBeginning(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			s.note("begin")
			g.Emit("tea")
		})
		f := s.s.Next()
		s.close()
		s.want(f, testEnd, "the sequence was closed before the first poll")
		s.wantStory(`Close, Poll: {"" false}, true`, "A body that hasn't begun never begins.")
	})
}

func TestCloseAfterTheEnd(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) { defer s.note("cleanup") })
		s.want(s.s.Next(), testEnd, "the body emits nothing")
		s.close()
		s.close()
		s.wantStory(`cleanup, Poll: {"" false}, true, Close, Close`, "The body had returned, so there's nothing to end.")
	})
}

// A deferred function that emits or waits, when all is over.
func TestDeferredFunctionsGoNoFurther(t *testing.T) {
	const look = "Nothing polls anymore, so a deferred Await or Emit doesn't return either; the future is closed without a poll; and the deferred functions before it run."
	testTry(t, func(s *testScene) {
		late, kettle := s.future("late", 1), s.future("kettle", 0)
		s.s = Generate(func(g *Gen[string]) {
			defer s.note("last cleanup")
			defer func() {
				g.Emit("one more")
				s.note("a deferred Emit has returned")
			}()
			defer func() {
				Await(g, late)
				s.note("a deferred Await has returned")
			}()
			Await(g, kettle)
		})
		s.want(s.s.Next(), testPending, "the kettle is never ready")
		s.close()
		s.wantStory(`kettle is polled, Poll: {"" false}, false, Close, kettle is closed, late is closed, last cleanup`, "The sequence was closed while its body rests in an Await. "+look)
	})
	testTry(t, func(s *testScene) {
		late := s.future("late", 1)
		s.s = Generate(func(g *Gen[string]) {
			defer s.note("last cleanup")
			defer func() {
				g.Emit("one more")
				s.note("a deferred Emit has returned")
			}()
			defer func() {
				Await(g, late)
				s.note("a deferred Await has returned")
			}()
			g.Emit("tea")
		})
		s.want(s.s.Next(), testItem("tea"), "the first value")
		s.close()
		s.wantStory(`Poll: {"tea" true}, true, Close, late is closed, last cleanup`, "The sequence was closed while its body rests in an Emit. "+look)
	})
}

func TestDeferredFunctionsInTheEnd(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			defer g.Emit("good night")
			g.Emit("tea")
		})
		s.want(s.s.Next(), testItem("tea"), "the first value")
		s.want(s.s.Next(), testItem("good night"), "the body returns, and a deferred function emits: the sequence isn't closed, so that's a value")
		s.want(s.s.Next(), testEnd, "the body has returned")
	})
}

func TestPanic(t *testing.T) {
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			defer s.note("cleanup")
			g.Emit("tea")
			panic("no toast")
		})
		s.want(s.s.Next(), testItem("tea"), "the first value")
		s.want(s.s.Next(), "the panic no toast", "a panic of the body comes out of the Poll in which it happens")
		s.want(s.s.Next(), testEnd, "the body has panicked, so it's over")
		s.close()
	})
	testTry(t, func(s *testScene) {
		kettle := s.future("kettle", -1)
		s.s = Generate(func(g *Gen[string]) { Await(g, kettle) })
		s.want(s.s.Next(), "the panic no kettle", "the Poll of a future in Await panics, and that's a panic of the body")
		s.close()
		s.want(s.s.Next(), testEnd, "the body has panicked, so it's over")
		if kettle.closes != 1 {
			s.Fatalf("%s: the future whose Poll has panicked was closed %d times, want once", s.story(), kettle.closes)
		}
	})
	testTry(t, func(s *testScene) {
		s.s = Generate(func(g *Gen[string]) {
			defer func() { panic("no plate") }()
			g.Emit("tea")
		})
		s.want(s.s.Next(), testItem("tea"), "the first value")
		s.close()
		s.wantStory(`Poll: {"tea" true}, true, Close, Close: the panic no plate`, "A deferred function panics in Close, and that panic comes out of Close.")
		s.want(s.s.Next(), testEnd, "the sequence is closed")
	})
}

func TestTwoSequences(t *testing.T) {
	testTry(t, func(s *testScene) {
		a := Generate(func(g *Gen[string]) {
			for i := range 3 {
				g.Emit(fmt.Sprint("a", i))
			}
		})
		s.s = Generate(func(g *Gen[string]) {
			for {
				item := Await(g, a.Next())
				if !item.OK {
					return
				}
				g.Emit("b of " + item.Value)
			}
		})
		for i := range 3 {
			s.want(s.s.Next(), testItem(fmt.Sprint("b of a", i)), "one sequence is made of another")
		}
		s.want(s.s.Next(), testEnd, "both have ended")
	})
}

func TestNoGoroutineIsLeft(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: generate.go is not started")
	}
	check.Within(t, 4*time.Second, testReturns, func(t testing.TB) {
		for _, how := range []string{"has ended", "was closed", "was closed before its first poll", "has panicked"} {
			before := runtime.NumGoroutine()
			for range 50 {
				s := Generate(func(g *Gen[string]) {
					g.Emit("tea")
					if how == "has panicked" {
						panic("no toast")
					}
				})
				func() {
					defer func() { recover() }()
					if how != "was closed before its first poll" {
						s.Next().Poll(new(Context))
					}
					if strings.HasPrefix(how, "has") {
						s.Next().Poll(new(Context))
					} else {
						s.Close()
					}
				}()
			}
			after := runtime.NumGoroutine()
			for range 100 {
				if after <= before {
					break
				}
				time.Sleep(time.Millisecond)
				after = runtime.NumGoroutine()
			}
			if after > before {
				t.Fatalf("50 sequences were made, and each %s: %d goroutines are left", how, after-before)
			}
		}
	})
}
