package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed parktest.go
var testSource string

// testVerdict is what checkParker says about one parker.
type testVerdict struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	text   string
}

func (v *testVerdict) Helper() {}
func (v *testVerdict) Failed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failed
}
func (v *testVerdict) Fail() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failed = true
}
func (v *testVerdict) Log(args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.text += fmt.Sprintln(args...)
}
func (v *testVerdict) Logf(format string, args ...any) { v.Log(fmt.Sprintf(format, args...)) }
func (v *testVerdict) Error(args ...any)               { v.Log(args...); v.Fail() }
func (v *testVerdict) Errorf(format string, args ...any) {
	v.Error(fmt.Sprintf(format, args...))
}
func (v *testVerdict) FailNow()                          { v.Fail(); runtime.Goexit() }
func (v *testVerdict) Fatal(args ...any)                 { v.Error(args...); runtime.Goexit() }
func (v *testVerdict) Fatalf(format string, args ...any) { v.Fatal(fmt.Sprintf(format, args...)) }

// testAsk runs checkParker in a bubble of its own.
func testAsk(t *testing.T, outer testing.TB, name string, newParker func() Parker) *testVerdict {
	outer.Helper()
	v, returned, panicked := &testVerdict{TB: outer}, false, ""
	func() {
		defer func() { _ = recover() }() // a goroutine that's still parked is no mistake here
		synctest.Test(t, func(*testing.T) {
			over := make(chan string, 1)
			go func() {
				defer func() {
					text := ""
					if r := recover(); r != nil {
						text = fmt.Sprintf("%s panics: %v", check.Culprit(), r)
					}
					over <- text
				}()
				checkParker(v, newParker)
			}()
			panicked = <-over
			returned = true
		})
	}()
	if panicked != "" {
		outer.Fatalf("%s: checkParker should call t.Error or t.Fatal, but %s", name, panicked)
	}
	if !returned {
		outer.Fatalf("%s: checkParker hangs: Park may sleep forever, and so may the Wake of a wrong parker, so call both on goroutines of their own", name)
	}
	return v
}

// testMistakes are what may be wrong with a parker.
type testMistakes struct {
	noToken, tokenStays, counts, wakeWaits, clearsFirst, byTheClock, tokenAtBirth, noSignal, leavesOneMore bool
}

// A testParker is right, except for its mistakes.
type testParker struct {
	mu     sync.Mutex
	news   *sync.Cond
	tokens int
	parked bool
	is     testMistakes
}

func testMake(is testMistakes) func() Parker {
	return func() Parker {
		p := &testParker{is: is}
		p.news = sync.NewCond(&p.mu)
		if is.tokenAtBirth {
			p.tokens = 1
		}
		return p
	}
}

func (p *testParker) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.is.noToken || p.is.clearsFirst {
		p.tokens = 0
	}
	p.parked = true
	for p.tokens == 0 {
		if p.is.byTheClock {
			p.mu.Unlock()
			time.Sleep(time.Millisecond)
			p.mu.Lock()
			continue
		}
		p.news.Wait()
	}
	if !p.is.tokenStays {
		p.tokens--
	}
	if p.is.wakeWaits {
		p.news.Broadcast()
	}
	p.parked = false
}

func (p *testParker) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.is.wakeWaits && p.tokens > 0 {
		p.news.Wait()
	}
	if p.tokens++; !p.is.counts {
		p.tokens = 1
	}
	if p.is.leavesOneMore && p.parked {
		p.tokens = 2
	}
	if !p.is.noSignal {
		p.news.Broadcast()
	}
}

// testChannel is the chapter's.
type testChannel chan struct{}

func (p testChannel) Park() { <-p }
func (p testChannel) Wake() {
	select {
	case p <- struct{}{}:
	default:
	}
}

func TestRightParkersAreAccepted(t *testing.T) {
	check.Started(t, "parktest.go", testSource)
	check.Within(t, 4*time.Second, "checkParker has to return", func(outer testing.TB) {
		for _, right := range []struct {
			name      string
			newParker func() Parker
		}{
			{"the chapter's, with a channel", func() Parker { return make(testChannel, 1) }},
			{"one with a sync.Cond", testMake(testMistakes{})},
		} {
			if v := testAsk(t, outer, "a right parker", right.newParker); v.Failed() {
				outer.Fatalf("checkParker rejects a right parker, %s, and says %q: does it ask for something that the contract doesn't promise?", right.name, strings.TrimSpace(v.text))
			}
		}
	})
}

func TestWrongParkersAreRejected(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: parktest.go is not started")
	}
	check.Within(t, 4*time.Second, "checkParker has to return", func(outer testing.TB) {
		for i, suspect := range []struct {
			is   testMistakes
			clue string
		}{
			{testMistakes{noToken: true}, "what happens if Wake is called before Park?"},
			{testMistakes{tokenStays: true}, "does a Park sleep if the wake before it has been used?"},
			{testMistakes{counts: true}, "how many Parks may return after three wakes?"},
			{testMistakes{wakeWaits: true}, "does the second of two wakes return if nothing parks?"},
			{testMistakes{clearsFirst: true}, "is a wake that came before Park still there after Park has begun?"},
			{testMistakes{byTheClock: true}, "does Park return at the moment of the wake, or a little later? In a bubble, the clock moves only if you let it"},
			{testMistakes{tokenAtBirth: true}, "what does the first Park of a new parker do?"},
			{testMistakes{noSignal: true}, "does a Park that sleeps already return when Wake is called?"},
			{testMistakes{leavesOneMore: true}, "a wake has ended a sleep. What does the next Park do?"},
		} {
			name := fmt.Sprintf("suspect %c", 'A'+i)
			switch v := testAsk(t, outer, name, testMake(suspect.is)); {
			case !v.Failed():
				outer.Fatalf("checkParker accepts %s, and it's wrong: %s", name, suspect.clue)
			case strings.TrimSpace(v.text) == "":
				outer.Fatalf("checkParker rejects %s without a text: say what was wrong, with t.Error or t.Fatal", name)
			}
		}
	})
}
