package main

import (
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed panic.go
var testSource string

const testReturns = "Run must return when no task is woken anymore; is a task that has ended queued again and again?"

// A testFuture does what its steps say, one in each poll. A step returns the
// value, and whether it's ready.
type testFuture struct {
	steps   []func(cx *Context) (string, bool)
	polls   int
	closes  int
	onClose func()
}

func (f *testFuture) Poll(cx *Context) (string, bool) {
	if f.polls++; f.polls > len(f.steps) {
		return "", false
	}
	return f.steps[f.polls-1](cx)
}

func (f *testFuture) Close() error {
	if f.closes++; f.onClose != nil {
		f.onClose()
	}
	return nil
}

func testFutureOf(steps ...func(cx *Context) (string, bool)) *testFuture {
	return &testFuture{steps: steps}
}

func testReady(value string) func(*Context) (string, bool) {
	return func(*Context) (string, bool) { return value, true }
}

func testAgain(cx *Context) (string, bool) {
	cx.Waker().Wake()
	return "", false
}

func testPanic(v any) func(*Context) (string, bool) {
	return func(*Context) (string, bool) { return testBurnTheToast(v) }
}

//go:noinline
func testBurnTheToast(v any) (string, bool) { panic(v) }

//go:noinline
func testSpillTheTea(v any) (string, bool) { panic(v) }

// testFire is an error with another in it.
type testFire struct{ cause error }

func (f *testFire) Error() string { return "fire: " + f.cause.Error() }
func (f *testFire) Unwrap() error { return f.cause }

// testNameless has no text.
type testNameless struct{}

func (testNameless) String() string { panic("no name") }

// testTwins is an error that equals several others.
type testTwins struct {
	fire   *testFire
	others []error
}

func (f *testTwins) Error() string { return "twins" }
func (f *testTwins) Unwrap() error { return f.fire }
func (f *testTwins) Is(target error) bool {
	for _, other := range f.others {
		if other == target {
			return true
		}
	}
	return false
}

// testJoiner is woken when a task has ended.
type testJoiner struct {
	woken int
	then  func()
}

func (j *testJoiner) Wake() {
	if j.woken++; j.then != nil {
		j.then()
	}
}

func testTry(t *testing.T, f func(t testing.TB, e *Executor)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestTasksThatEndWell" {
		t.Skip("not tried: panic.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "panic.go", testSource)
		f(t, new(Executor))
	})
}

// testRun calls Run, from which no panic may come.
func testRun(t testing.TB, e *Executor, what string) {
	t.Helper()
	returned := false
	defer func() {
		if v := recover(); v != nil {
			t.Fatalf("%s, and that panic comes out of Run (%v), so every other task ends with this one", what, v)
		} else if !returned && !t.Failed() {
			t.Fatalf("%s: Run didn't return", what)
		}
	}()
	e.Run()
	returned = true
}

func TestTasksThatEndWell(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		f := testFutureOf(testAgain, testAgain, testReady("tea"))
		sleeps := testFutureOf(func(*Context) (string, bool) { return "half a tea", false })
		a, b := e.Spawn(f, nil), e.Spawn(sleeps, nil)
		testRun(t, e, "two tasks, none of which panics")
		if !a.Ended || a.Value != "tea" || a.Err != nil || f.polls != 3 {
			t.Fatalf("a future is ready at its third poll, with \"tea\": after %d polls the task has Ended %t, Value %q and Err %v", f.polls, a.Ended, a.Value, a.Err)
		}
		if b.Ended || b.Value != "" || b.Err != nil || sleeps.polls != 1 {
			t.Fatalf("a future isn't ready, and asks for no wake: after %d polls the task has Ended %t, Value %q and Err %v, want false, \"\" and nil", sleeps.polls, b.Ended, b.Value, b.Err)
		}
		if f.closes+sleeps.closes > 0 {
			t.Fatalf("one future has finished and was closed %d times, one is pending and was closed %d times: neither is to be closed", f.closes, sleeps.closes)
		}
	})
}

func TestPanicEndsItsTask(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		a := e.Spawn(testFutureOf(testAgain, testPanic("no toast")), nil)
		testRun(t, e, "a task panics in its second poll")
		fault, is := a.Err.(*PanicError)
		if !a.Ended || !is {
			t.Fatalf("a Poll has panicked: the task has Ended %t and Err %v, want true and a *PanicError", a.Ended, a.Err)
		}
		if fault.Value != "no toast" {
			t.Fatalf("a Poll has panicked with \"no toast\", and the PanicError has the Value %#v", fault.Value)
		}
		if a.Value != "" {
			t.Fatalf("a Poll has panicked, and the task has the Value %q beside its error", a.Value)
		}
	})
}

// Anything can be passed to panic, also the end of another task.
func TestWhatWasPassedToPanic(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		another := e.Spawn(testFutureOf(testPanic("no egg")), nil)
		testRun(t, e, "a task panics")
		for _, v := range []any{"", "100 % burnt: %d %s", 0, 7.5, struct{}{}, (*int)(nil), errors.New(""), &testFire{errors.New("burnt")}, another.Err, fmt.Errorf("joined: %w", another.Err)} {
			half := func(cx *Context) (string, bool) { cx.Waker().Wake(); return "half a toast", false }
			a := e.Spawn(testFutureOf(half, testPanic(v)), nil)
			testRun(t, e, "a task panics in its second poll")
			fault, is := a.Err.(*PanicError)
			if !a.Ended || !is || fault == nil || fault.Value != v || a.Value != "" {
				t.Fatalf("a Poll has panicked with a %T, %q: the task has Ended %t, Value %q and a %T, %q, as its Err; want true, \"\" and a *PanicError of its own around what was passed to panic, whatever that is", v, fmt.Sprint(v), a.Ended, a.Value, a.Err, fmt.Sprint(a.Err))
			}
		}
	})
}

func TestOtherTasksGoOn(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		before := e.Spawn(testFutureOf(testAgain, testAgain, testReady("tea")), nil)
		e.Spawn(testFutureOf(testPanic("no toast")), nil)
		e.Spawn(testFutureOf(testAgain, testPanic("no egg")), nil)
		after := e.Spawn(testFutureOf(testAgain, testAgain, testReady("jam")), nil)
		testRun(t, e, "two of four tasks panic")
		if before.Value != "tea" || after.Value != "jam" {
			t.Fatalf("two of four tasks panic, and after Run the other two have the values %q and %q, want \"tea\" and \"jam\": a panic is the end of one task", before.Value, after.Value)
		}
		late := e.Spawn(testFutureOf(testReady("milk")), nil)
		testRun(t, e, "a task is spawned after others have panicked")
		if late.Value != "milk" {
			t.Fatalf("a task that's spawned after others have panicked has the value %q, want \"milk\"", late.Value)
		}
	})
}

// A text that nobody has asked for isn't made, or its panic ends nothing.
func TestPanicWhoseTextPanics(t *testing.T) {
	for what, v := range map[string]any{
		"a nil pointer that's an error":      (*testFire)(nil),
		"an error whose method Error panics": &testFire{},
		"a value whose method String panics": testNameless{},
	} {
		testTry(t, func(t testing.TB, e *Executor) {
			f, j := testFutureOf(testPanic(v)), new(testJoiner)
			a, b := e.Spawn(f, j), e.Spawn(testFutureOf(testAgain, testReady("tea")), nil)
			testRun(t, e, "a Poll panics with "+what)
			fault, is := a.Err.(*PanicError)
			if !a.Ended || !is || fault == nil || fault.Value != v || f.closes != 1 || j.woken != 1 || b.Value != "tea" {
				t.Fatalf("a Poll has panicked with %s: the task has Ended %t and a %T as its Err, its future was closed %d times, its joiner was woken %d times, and another task has the value %q; want true, a *PanicError around what was passed to panic, 1, 1 and \"tea\"", what, a.Ended, a.Err, f.closes, j.woken, b.Value)
			}
		})
	}
}

func TestPanicThatIsAnError(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		burnt := errors.New("burnt")
		a := e.Spawn(testFutureOf(testPanic(burnt)), nil)
		var none []int
		b := e.Spawn(testFutureOf(func(*Context) (string, bool) { return fmt.Sprint(none[3]), true }), nil)
		c := e.Spawn(testFutureOf(testPanic(nil)), nil)
		testRun(t, e, "three tasks panic with errors")
		var fault runtime.Error
		if !errors.Is(a.Err, burnt) {
			t.Errorf("a Poll has panicked with an error, and errors.Is doesn't find it in %v", a.Err)
		}
		if !errors.As(b.Err, &fault) {
			t.Errorf("a Poll has used an index out of range, and errors.As doesn't find the runtime.Error in %v", b.Err)
		}
		if c.Err == nil {
			t.Error("a Poll has called panic(nil), and the task has no Err")
		}
		d := e.Spawn(testFutureOf(testPanic(fmt.Errorf("no toast: %w", &testFire{burnt}))), nil)
		testRun(t, e, "a task panics with an error that wraps another")
		var fire *testFire
		if !errors.Is(d.Err, burnt) || !errors.As(d.Err, &fire) {
			t.Errorf("a Poll has panicked with an error that wraps others, and in Err, %v, errors.Is finds the innermost: %t; errors.As finds the one between: %t; want both", d.Err, errors.Is(d.Err, burnt), errors.As(d.Err, &fire))
		}
		again, spilt := errors.New("burnt"), errors.New("spilt")
		if errors.Is(a.Err, again) || errors.Is(a.Err, spilt) || errors.As(a.Err, &fire) {
			t.Errorf("a Poll has panicked with an error, and in Err, %v, errors.Is or errors.As finds another one that was never passed to panic; the same text doesn't make the same error", a.Err)
		}
		for how, both := range map[string]error{
			"errors.Join":                           errors.Join(again, &testFire{burnt}, spilt),
			"fmt.Errorf with %w twice":              fmt.Errorf("%w, and %w", again, fmt.Errorf("so: %w", errors.Join(spilt, &testFire{burnt}))),
			"an error whose method Is says it's so": &testTwins{fire: &testFire{burnt}, others: []error{again, spilt}},
		} {
			f := e.Spawn(testFutureOf(testPanic(both)), nil)
			testRun(t, e, "a task panics with an error that stands for several")
			fire = nil
			for _, one := range []error{both, burnt, again, spilt} {
				if !errors.Is(f.Err, one) {
					t.Errorf("a Poll has panicked with several errors in one (%s), and errors.Is doesn't find each of them in Err: errors can wrap more than one, so let the package errors do the walking", how)
				}
			}
			if !errors.As(f.Err, &fire) || fire.cause != burnt {
				t.Errorf("a Poll has panicked with several errors in one (%s), and errors.As doesn't find one of them in Err: errors can wrap more than one, so let the package errors do the walking", how)
			}
		}
	})
}

func TestStackShowsWhere(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		a := e.Spawn(testFutureOf(testPanic("no toast")), nil)
		testRun(t, e, "a task panics")
		var fault *PanicError
		if errors.As(a.Err, &fault) && !strings.Contains(string(fault.Stack), "testBurnTheToast") {
			t.Fatalf("testBurnTheToast has panicked, and its name isn't in the Stack: was that taken when the functions had been left already?")
		}
		// The same value, in one function and in another: two panics, two stacks.
		for _, v := range []any{"no toast", a.Err, errors.New("no toast")} {
			toast := e.Spawn(testFutureOf(testPanic(v)), nil)
			tea := e.Spawn(testFutureOf(func(*Context) (string, bool) { return testSpillTheTea(v) }), nil)
			testRun(t, e, "two tasks panic with the same value, in two functions")
			for name, task := range map[string]*Task{"testBurnTheToast": toast, "testSpillTheTea": tea} {
				other := map[string]string{"testBurnTheToast": "testSpillTheTea", "testSpillTheTea": "testBurnTheToast"}[name]
				if fault, is := task.Err.(*PanicError); is && (!strings.Contains(string(fault.Stack), name) || strings.Contains(string(fault.Stack), other)) {
					t.Fatalf("two tasks have panicked with the same %T, one in testBurnTheToast and one in testSpillTheTea, and the Stack of the one in %s isn't its own: each panic has a stack of its own", v, name)
				}
			}
		}
	})
}

func TestPanickedFutureIsClosed(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		f := testFutureOf(testAgain, testPanic("no toast"))
		e.Spawn(f, nil)
		testRun(t, e, "a task panics in its second poll")
		if f.closes != 1 {
			t.Fatalf("a Poll has panicked, and its future was closed %d times, want once: what it holds would be held forever", f.closes)
		}
	})
}

func TestCloseThatPanics(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		f := testFutureOf(testPanic("no toast"))
		f.onClose = func() { panic("and no plate") }
		j := new(testJoiner)
		a, b := e.Spawn(f, j), e.Spawn(testFutureOf(testAgain, testReady("tea")), nil)
		testRun(t, e, "a Poll panics, and so does the Close after it")
		var fault *PanicError
		if errors.As(a.Err, &fault); fault == nil || fault.Value != "no toast" {
			t.Fatalf("a Poll has panicked with \"no toast\", and the Close after it with \"and no plate\": Err is %v, want that of the Poll, where it began", a.Err)
		}
		if j.woken != 1 || b.Value != "tea" || f.closes != 1 {
			t.Fatalf("a Poll has panicked, and so has the Close after it: Close was called %d times, the joiner was woken %d times, and another task has the value %q, want 1, 1 and \"tea\"", f.closes, j.woken, b.Value)
		}
	})
}

func TestJoinerIsWoken(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		for _, how := range []string{"is ready", "panics"} {
			f := testFutureOf(testAgain, testReady("tea"))
			if how == "panics" {
				f = testFutureOf(testAgain, testPanic("no toast"))
			}
			j, told := new(testJoiner), "nothing"
			var a *Task
			j.then = func() {
				told = fmt.Sprintf("Ended %t, Value %q, Err %v, and %d closes", a.Ended, a.Value, a.Err != nil, f.closes)
			}
			a = e.Spawn(f, j)
			testRun(t, e, "a task "+how)
			want := map[string]string{"is ready": `Ended true, Value "tea", Err false, and 0 closes`, "panics": `Ended true, Value "", Err true, and 1 closes`}[how]
			if j.woken != 1 {
				t.Fatalf("a task %s, and its joiner was woken %d times, want once", how, j.woken)
			}
			if told != want {
				t.Fatalf("a task %s, and inside the joiner's Wake it had %s, want %s: a woken task may look at once", how, told, want)
			}
		}
	})
}

func TestEndedTaskIsNotPolled(t *testing.T) {
	testTry(t, func(t testing.TB, e *Executor) {
		for how, last := range map[string]func(*Context) (string, bool){
			"is ready":                     testReady("tea"),
			"is ready with an empty value": testReady(""),
			"panics":                       testPanic("no toast"),
			"panics with an empty text":    testPanic(""),
			"panics with nil":              testPanic(nil),
		} {
			f := testFutureOf(func(cx *Context) (string, bool) {
				cx.Waker().Wake() // before the poll ends
				return last(cx)
			}, testReady("a second tea"))
			j := new(testJoiner)
			a := e.Spawn(f, j)
			testRun(t, e, "a task "+how)
			a.Wake()
			testRun(t, e, "a task that has ended is woken")
			if !a.Ended || f.polls != 1 || j.woken != 1 || a.Value == "a second tea" {
				t.Fatalf("a task wakes itself, and then %s in the same poll, and is woken once more later: it was polled %d times and its joiner was woken %d times, want once each", how, f.polls, j.woken)
			}
		}
	})
}
