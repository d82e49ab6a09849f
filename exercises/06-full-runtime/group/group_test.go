package main

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed group.go
var testSource string

const testReturns = "Go, Close and Poll must return at once; does one of them wait for a task to end?"

// A testRuntime has the tasks, which end when the test says so.
type testRuntime struct {
	testing.TB
	group *Group
	tasks []*testTask
	cx    *Context // of the poll that's going on
	steps []string
}

type testTask struct {
	rt      *testRuntime
	name    string
	err     error
	ended   bool
	told    bool // a poll was ready
	polls   int
	cancels int
	onPoll  func()
	cancel  func() // inside Cancel
}

// testWork is the future of a task.
type testWork struct {
	name   string
	closes int
}

func (w *testWork) Poll(*Context) (error, bool) { return nil, false }
func (w *testWork) Close() error                { w.closes++; return nil }

func (rt *testRuntime) Spawn(f Future[error]) Task {
	t := &testTask{rt: rt, name: f.(*testWork).name}
	rt.tasks = append(rt.tasks, t)
	rt.note("%s is spawned", t.name)
	return t
}

func (rt *testRuntime) note(format string, args ...any) {
	rt.steps = append(rt.steps, fmt.Sprintf(format, args...))
}

func (rt *testRuntime) story() string { return strings.Join(rt.steps, ", ") }

func (t *testTask) Poll(cx *Context) (error, bool) {
	t.polls++
	switch {
	case cx == nil || cx != t.rt.cx:
		t.rt.Fatalf("%s: the task of %s was polled with another Context than that of the Poll: when it ends, nothing is woken", t.rt.story(), t.name)
	case t.told:
		t.rt.Fatalf("%s: the task of %s has told already that it has ended, and is polled again", t.rt.story(), t.name)
	}
	if f := t.onPoll; f != nil {
		t.onPoll = nil
		f()
	}
	t.told = t.ended
	return t.err, t.ended
}

func (t *testTask) Cancel() {
	t.rt.note("%s is cancelled", t.name)
	if t.cancels++; t.cancels > 1 {
		t.rt.Fatalf("%s: that's the second time", t.rt.story())
	}
	if t.told {
		t.rt.Fatalf("%s: but it has ended before", t.rt.story())
	}
	if t.cancel != nil {
		t.cancel()
	}
}

func (t *testTask) end(err error) {
	t.rt.note("%s ends with %v", t.name, err)
	t.ended, t.err = true, err
}

func testTry(t *testing.T, f func(rt *testRuntime)) {
	t.Helper()
	if check.IsStub(testSource) && t.Name() != "TestAllEndWell" {
		t.Skip("not tried: group.go is not started")
	}
	check.Instant(t, testReturns, func(t testing.TB) {
		check.Started(t, "group.go", testSource)
		rt := &testRuntime{TB: t}
		rt.group = NewGroup(rt)
		f(rt)
	})
}

// start calls Go.
func (rt *testRuntime) start(names ...string) {
	for _, name := range names {
		n := len(rt.tasks)
		rt.group.Go(&testWork{name: name})
		if len(rt.tasks) != n+1 {
			rt.Fatalf("%s: Go(%s) has spawned %d tasks, want one, at once", rt.story(), name, len(rt.tasks)-n)
		}
	}
}

// wait polls, each task once.
func (rt *testRuntime) wait(f Future[error]) (error, bool) {
	rt.Helper()
	before := map[*testTask]int{}
	for _, t := range rt.tasks {
		if before[t] = t.polls; t.told {
			before[t]--
		}
	}
	rt.cx = new(Context)
	rt.note("Wait is polled")
	err, ready := f.Poll(rt.cx)
	for _, t := range rt.tasks {
		if n, known := before[t]; known && t.polls != n+1 {
			rt.Fatalf("%s: in that poll, the task of %s was polled %d times, want once: only a poll can tell that it has ended, or ask to be told", rt.story(), t.name, t.polls-n)
		}
	}
	return err, ready
}

func (rt *testRuntime) wantPending(f Future[error], look string) {
	rt.Helper()
	if err, ready := rt.wait(f); ready || err != nil {
		rt.Fatalf("%s: Poll returned %v, %t, want nil, false: %s", rt.story(), err, ready, look)
	}
}

func (rt *testRuntime) wantReady(f Future[error], look string, errs ...error) {
	rt.Helper()
	err, ready := rt.wait(f)
	if !ready {
		rt.Fatalf("%s: Poll returned false, want true: %s", rt.story(), look)
	}
	if len(errs) == 0 && err != nil {
		rt.Fatalf("%s: Wait yields %q, want nil: %s", rt.story(), err, look)
	}
	var texts []string
	for _, want := range errs {
		if !errors.Is(err, want) {
			rt.Fatalf("%s: Wait yields %v, and errors.Is doesn't find %q in it: %s", rt.story(), err, want, look)
		}
		texts = append(texts, want.Error())
	}
	if want := strings.Join(texts, "\n"); err != nil && err.Error() != want {
		rt.Fatalf("%s: Wait yields %q, want %q: %s", rt.story(), err, want, look)
	}
	if len(errs) > 0 {
		all, is := err.(interface{ Unwrap() []error })
		if !is || !slices.Equal(all.Unwrap(), errs) {
			rt.Fatalf("%s: Wait yields %q, of type %T, and its Unwrap doesn't return the errors of the tasks, want what errors.Join(%q) makes of them, however many they are", rt.story(), err, err, errs)
		}
	}
}

func (rt *testRuntime) wantCancelled(look string, names string) {
	rt.Helper()
	var got []string
	for _, t := range rt.tasks {
		if t.cancels > 0 {
			got = append(got, t.name)
		}
	}
	if s := strings.Join(got, " "); s != names {
		rt.Fatalf("%s: the tasks that are cancelled are [%s], want [%s]: %s", rt.story(), s, names, look)
	}
}

func TestAllEndWell(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		f := rt.group.Wait()
		rt.wantPending(f, "none has ended")
		rt.tasks[1].end(nil)
		rt.wantPending(f, "a and c haven't ended")
		rt.tasks[0].end(nil)
		rt.tasks[2].end(nil)
		rt.wantReady(f, "all have ended, and none has failed")
		rt.wantCancelled("none has failed", "")
	})
}

func TestWithoutTasks(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.wantReady(rt.group.Wait(), "there's no task to wait for")
	})
}

func TestWaitDoesNothingBeforeItsPoll(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a")
		f := rt.group.Wait()
		if rt.tasks[0].polls > 0 {
			rt.Fatal("Wait has polled a task, and nothing has polled Wait's future yet")
		}
		rt.start("b")
		rt.tasks[0].end(nil)
		rt.wantPending(f, "b was added after Wait was called, and hasn't ended")
		rt.tasks[1].end(nil)
		rt.wantReady(f, "both have ended")
	})
}

func TestFirstFailureCancelsTheOthers(t *testing.T) {
	broken := errors.New("broken")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c", "d")
		f := rt.group.Wait()
		rt.tasks[0].end(nil)
		rt.wantPending(f, "three haven't ended")
		rt.tasks[2].end(broken)
		rt.wantPending(f, "c has failed. The others are told to end, and haven't yet: a group isn't over before its tasks are")
		rt.wantCancelled("c has failed, so those that haven't ended are cancelled, in that poll", "b d")
		rt.tasks[1].end(ErrCancelled)
		rt.wantPending(f, "d hasn't ended")
		rt.tasks[3].end(ErrCancelled)
		rt.wantReady(f, "c has failed, and b and d were cancelled for that: they aren't failures of their own", broken)
	})
}

func TestAllErrorsAreKept(t *testing.T) {
	one, two, three := errors.New("one"), errors.New("two"), errors.New("three")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c", "d")
		f := rt.group.Wait()
		rt.tasks[2].end(three)
		rt.wantPending(f, "three haven't ended")
		rt.tasks[1].end(two)
		rt.wantPending(f, "two haven't ended")
		rt.tasks[3].end(nil)
		rt.tasks[0].end(one)
		rt.wantReady(f, "three have failed: c first, but the order of Go is what counts", one, two, three)
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		rt.tasks[0].end(one)
		rt.tasks[1].end(two)
		rt.wantReady(rt.group.Wait(), "both have failed before the first poll", one, two)
	})
}

func TestCancelledFromOutside(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		f := rt.group.Wait()
		rt.tasks[0].end(ErrCancelled)
		rt.wantPending(f, "b hasn't ended")
		rt.wantCancelled("a was cancelled by something else, and that isn't a failure of the group", "")
		rt.tasks[1].end(nil)
		rt.wantReady(f, "none has failed")
	})
}

// wantRefused calls Go in a group that takes no more tasks.
func (rt *testRuntime) wantRefused(why string) {
	rt.Helper()
	before, late := len(rt.tasks), &testWork{name: "late"}
	rt.group.Go(late)
	if len(rt.tasks) != before || late.closes != 1 {
		rt.Fatalf("%s, and then Go(late) is called: %d tasks were spawned, and the future was closed %d times, want no task, and closed once: %s", rt.story(), len(rt.tasks)-before, late.closes, why)
	}
}

func TestNothingStartsAfterAFailure(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		f := rt.group.Wait()
		rt.tasks[0].end(errors.New("broken"))
		rt.wantPending(f, "b hasn't ended")
		late := &testWork{name: "late"}
		rt.group.Go(late)
		if len(rt.tasks) != 2 || late.closes != 1 {
			rt.Fatalf("%s, and then Go(late) is called: %d tasks were spawned, and the future was closed %d times, want no task, and closed once", rt.story(), len(rt.tasks)-2, late.closes)
		}
	})
}

// A task adds others while it's being polled.
func TestTasksAddTasks(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a")
		f := rt.group.Wait()
		rt.tasks[0].onPoll = func() {
			rt.start("b", "c", "d", "e", "f")
			rt.tasks[0].end(nil)
		}
		rt.wantPending(f, "a has ended, and has added five others before that")
		for _, task := range rt.tasks[1:] {
			if task.polls == 0 {
				rt.wantPending(f, "five haven't ended")
				break
			}
		}
		for _, task := range rt.tasks[1:] {
			task.end(nil)
		}
		rt.wantReady(f, "all six have ended")
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "z")
		rt.tasks[1].end(nil)
		rt.tasks[0].onPoll = func() {
			rt.start("b")
			rt.tasks[0].end(nil)
		}
		f := rt.group.Wait()
		rt.wantPending(f, "a and z have ended, and a has added b")
		rt.tasks[2].end(errors.New("broken"))
		if _, ready := rt.wait(f); !ready {
			rt.Fatalf("%s: Poll returned false, and all have ended", rt.story())
		}
	})
}

func TestTaskAddsAnotherAndFails(t *testing.T) {
	broken := errors.New("broken")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "z")
		rt.tasks[0].onPoll = func() {
			rt.start("b")
			rt.tasks[0].end(broken)
		}
		f := rt.group.Wait()
		rt.wantPending(f, "z and b haven't ended")
		rt.wantCancelled("a has failed, and has added b before that, in the same poll", "z b")
		rt.tasks[1].end(ErrCancelled)
		rt.tasks[2].end(ErrCancelled)
		rt.wantReady(f, "a has failed, and the others were cancelled for that", broken)
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "z")
		rt.tasks[0].onPoll = func() { rt.start("b") }
		rt.tasks[1].end(broken)
		rt.wantPending(rt.group.Wait(), "a and b haven't ended")
		rt.wantCancelled("z has failed, and a has added b before that, in the same poll", "a b")
	})
}

func TestCloseCancels(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		f := rt.group.Wait()
		rt.tasks[1].end(nil)
		rt.wantPending(f, "a and c haven't ended")
		rt.note("Close")
		rt.group.Close()
		rt.wantCancelled("the group was closed, and b has ended before", "a c")
		rt.group.Close()
		late := &testWork{name: "late"}
		rt.group.Go(late)
		if len(rt.tasks) != 3 || late.closes != 1 {
			rt.Fatalf("%s, and then Go(late) is called: %d tasks were spawned, and the future was closed %d times, want no task, and closed once", rt.story(), len(rt.tasks)-3, late.closes)
		}
		rt.wantPending(f, "a and c were cancelled, and haven't ended yet")
		rt.tasks[0].end(ErrCancelled)
		rt.tasks[2].end(ErrCancelled)
		rt.wantReady(f, "all have ended, and none has failed")
	})
}

func TestCloseOfAnIdleGroup(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.note("Close")
		rt.group.Close()
		late := &testWork{name: "late"}
		rt.group.Go(late)
		if len(rt.tasks) != 0 || late.closes != 1 {
			rt.Fatalf("a group without tasks was closed, and then Go(late) is called: %d tasks were spawned, and the future was closed %d times, want no task, and closed once", len(rt.tasks), late.closes)
		}
		rt.wantReady(rt.group.Wait(), "there's no task to wait for")
	})
}

func TestNothingIsCancelledTwice(t *testing.T) {
	broken := errors.New("broken")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		f := rt.group.Wait()
		rt.tasks[0].end(broken)
		rt.wantPending(f, "b and c haven't ended")
		rt.note("Close")
		rt.group.Close()
		rt.tasks[1].end(broken)
		rt.wantPending(f, "c hasn't ended")
		rt.wantCancelled("a has failed, then the group was closed, then b has failed", "b c")
		rt.tasks[2].end(ErrCancelled)
		rt.wantReady(f, "a and b have failed", broken, broken)
	})
}

func TestWaitThatIsClosed(t *testing.T) {
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		f := rt.group.Wait()
		rt.tasks[0].end(nil)
		rt.wantPending(f, "b hasn't ended")
		rt.note("that Wait is closed")
		Close(f)
		rt.wantCancelled("a Wait was closed, by a timeout perhaps. That isn't the group's Close", "")
		f = rt.group.Wait()
		rt.wantPending(f, "b hasn't ended")
		rt.tasks[1].end(nil)
		rt.wantReady(f, "both have ended")
	})
}
