package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed jointest.go
var testSource string

// testVerdict is what checkJoinAll says about one JoinAll.
type testVerdict struct {
	testing.TB
	failed bool
	text   string
}

func (v *testVerdict) Helper()      {}
func (v *testVerdict) Failed() bool { return v.failed }
func (v *testVerdict) Fail()        { v.failed = true }
func (v *testVerdict) Log(args ...any) {
	v.text += fmt.Sprintln(args...)
}
func (v *testVerdict) Logf(format string, args ...any) { v.Log(fmt.Sprintf(format, args...)) }
func (v *testVerdict) Error(args ...any)               { v.Log(args...); v.Fail() }
func (v *testVerdict) Errorf(format string, args ...any) {
	v.Error(fmt.Sprintf(format, args...))
}
func (v *testVerdict) FailNow()                          { v.Fail(); panic(v) }
func (v *testVerdict) Fatal(args ...any)                 { v.Error(args...); panic(v) }
func (v *testVerdict) Fatalf(format string, args ...any) { v.Fatal(fmt.Sprintf(format, args...)) }

// testAsk runs checkJoinAll.
func testAsk(t testing.TB, name string, joinAll func(...Future[string]) Future[[]string]) *testVerdict {
	t.Helper()
	v, over := &testVerdict{TB: t}, make(chan string, 1)
	go func() {
		defer func() {
			switch r := recover(); r {
			case nil, v:
				over <- ""
			default:
				over <- fmt.Sprintf("%s panics: %v", check.Culprit(), r)
			}
		}()
		checkJoinAll(v, joinAll)
	}()
	select {
	case panicked := <-over:
		if panicked != "" {
			t.Fatalf("%s: checkJoinAll should call t.Error or t.Fatal, but %s", name, panicked)
		}
	case <-time.After(time.Second):
		t.Fatalf("%s: checkJoinAll hangs: a future may never be ready, so count your polls", name)
	}
	return v
}

// testJoin is a JoinAll with switches, each of which makes it wrong.
type testJoin struct {
	futures []Future[string]
	values  []string
	came    []string
	done    []bool
	closed  bool
	is      testMistakes
}

type testMistakes struct {
	backwards, nilForNothing, errClosed                     bool // which are right
	oneAtATime, again, asTheyCome, waitsForNothing, noClose bool
	closesFinished, closesTwice, closesAgain, yieldsNil     bool
	looksBack, closesAllUnlessOver                          bool
}

func testMake(is testMistakes) func(...Future[string]) Future[[]string] {
	return func(futures ...Future[string]) Future[[]string] {
		return &testJoin{futures: futures, values: make([]string, len(futures)), done: make([]bool, len(futures)), is: is}
	}
}

func (j *testJoin) Poll(cx *Context) ([]string, bool) {
	for k := range j.futures {
		i := k
		if j.is.backwards {
			i = len(j.futures) - 1 - k
		}
		if j.done[i] && !j.is.again {
			continue
		}
		value, ready := j.futures[i].Poll(cx)
		if !ready && j.is.oneAtATime {
			return nil, false
		}
		if ready && !j.done[i] {
			j.values[i], j.done[i] = value, true
			j.came = append(j.came, value)
		}
		for early := range i { // perhaps they were waiting for this one?
			if ready && j.is.looksBack && !j.done[early] {
				if j.values[early], j.done[early] = j.futures[early].Poll(cx); j.done[early] {
					j.came = append(j.came, j.values[early])
				}
			}
		}
	}
	left := len(j.futures) - len(j.came)
	switch {
	case left == 0 && j.is.waitsForNothing && len(j.futures) == 0:
		return nil, false
	case left == 0 && (j.is.yieldsNil || j.is.nilForNothing && len(j.futures) == 0):
		return nil, true
	case left == 0 && j.is.asTheyCome:
		return j.came, true
	case left == 0:
		return j.values, true
	}
	return nil, false
}

func (j *testJoin) Close() error {
	if j.closed && j.is.errClosed {
		return os.ErrClosed
	}
	if j.closed && !j.is.closesAgain {
		return nil // a second Close does nothing, as rule 5 says
	}
	j.closed = true
	over := len(j.came) == len(j.futures)
	for i, f := range j.futures {
		if !j.is.noClose && (!j.done[i] || j.is.closesFinished || j.is.closesAllUnlessOver && !over) {
			Close(f)
			if j.is.closesTwice {
				Close(f)
			}
		}
	}
	return nil
}

// A testNoCloser is the same without a Close method.
type testNoCloser struct{ join Future[[]string] }

func (n testNoCloser) Poll(cx *Context) ([]string, bool) { return n.join.Poll(cx) }

func testMakeNoCloser(futures ...Future[string]) Future[[]string] {
	return testNoCloser{testMake(testMistakes{})(futures...)}
}

func TestRightJoinAllsAreAccepted(t *testing.T) {
	check.Within(t, 5*time.Second, "checkJoinAll has to return", func(t testing.TB) {
		check.Started(t, "jointest.go", testSource)
		for _, right := range []struct {
			name    string
			joinAll func(...Future[string]) Future[[]string]
		}{
			{"the chapter's", JoinAll[string]},
			{"which keeps a slice of bools", testMake(testMistakes{})},
			{"which polls the last child first", testMake(testMistakes{backwards: true})},
			{"which yields nil, true for nothing", testMake(testMistakes{nilForNothing: true})},
			{"whose second Close does nothing but return os.ErrClosed", testMake(testMistakes{errClosed: true})},
		} {
			if v := testAsk(t, "a right JoinAll", right.joinAll); v.failed {
				t.Fatalf("checkJoinAll rejects a right JoinAll, %s, and says %q: does it ask for something that the contract doesn't promise?", right.name, strings.TrimSpace(v.text))
			}
		}
	})
}

func TestWrongJoinAllsAreRejected(t *testing.T) {
	check.Within(t, 9*time.Second, "checkJoinAll has to return", func(t testing.TB) {
		if check.IsStub(testSource) {
			t.Skip("not tried: jointest.go is not started")
		}
		for i, suspect := range []struct {
			is   testMistakes
			clue string
		}{
			{testMistakes{oneAtATime: true}, "how often has each child been polled after one poll of JoinAll?"},
			{testMistakes{again: true}, "how often is a child polled that was ready long before the others?"},
			{testMistakes{asTheyCome: true}, "which order do the values have if the last child is the first to finish?"},
			{testMistakes{waitsForNothing: true}, "what does JoinAll of nothing say?"},
			{testMistakes{noClose: true}, "what happens to a pending child if JoinAll is closed?"},
			{testMistakes{closesFinished: true}, "what happens to a finished child if JoinAll is closed?"},
			{testMistakes{closesTwice: true}, "how often is a pending child closed if JoinAll is closed?"},
			{testMistakes{yieldsNil: true}, "are all values there, or only true?"},
			{testMistakes{closesAgain: true}, "how often is a pending child closed if JoinAll is closed a second time?"},
			{testMistakes{looksBack: true}, "how often is a pending child polled in one poll of JoinAll, if another child finishes in it?"},
			{testMistakes{closesAllUnlessOver: true}, "what happens to a finished child if JoinAll is closed while another child is pending?"},
		} {
			name := fmt.Sprintf("suspect %c", 'A'+i)
			switch v := testAsk(t, name, testMake(suspect.is)); {
			case !v.failed:
				t.Fatalf("checkJoinAll accepts %s, and it's wrong: %s", name, suspect.clue)
			case strings.TrimSpace(v.text) == "":
				t.Fatalf("checkJoinAll rejects %s without a text: say what was wrong, with t.Error or t.Fatal", name)
			}
		}
		if v := testAsk(t, "suspect L", testMakeNoCloser); !v.failed {
			t.Fatal("checkJoinAll accepts suspect L, and it's wrong: it has no Close method, so what happens to a pending child?")
		}
	})
}
