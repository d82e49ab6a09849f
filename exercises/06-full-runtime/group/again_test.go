package main

import (
	"errors"
	"fmt"
	"testing"
)

// The failure is known as soon as the task is found to have ended.
func TestNothingStartsInThePollOfAFailure(t *testing.T) {
	broken := errors.New("broken")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		rt.tasks[0].end(broken)
		rt.tasks[2].onPoll = func() { rt.wantRefused("a was found to have failed earlier in this poll") }
		f := rt.group.Wait()
		rt.wantPending(f, "b and c haven't ended")
		rt.wantCancelled("a has failed", "b c")
		rt.tasks[1].onPoll = func() { rt.wantRefused("a has failed in an earlier poll") }
		rt.tasks[1].end(nil)
		rt.tasks[2].end(ErrCancelled)
		rt.wantReady(f, "a has failed", broken)
		rt.wantRefused("a has failed, also if all have ended by now")
	})
}

// What a Cancel does at once finds the group closed.
func TestCancelCallsTheGroup(t *testing.T) {
	broken := errors.New("broken")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		for _, task := range rt.tasks {
			task.cancel = func() {
				rt.wantRefused("a has failed, so the group takes nothing more, also inside a Cancel that follows from it")
			}
		}
		rt.tasks[0].end(broken)
		f := rt.group.Wait()
		rt.wantPending(f, "b and c haven't ended")
		rt.wantCancelled("a has failed", "b c")
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		for _, task := range rt.tasks {
			task.cancel = func() {
				rt.wantRefused("the group is being closed, so it takes nothing more, also inside a Cancel that follows from it")
			}
		}
		rt.note("Close")
		rt.group.Close()
		rt.wantCancelled("the group was closed", "a b")
	})
}

func TestCancelThatCloses(t *testing.T) {
	broken := errors.New("broken")
	closes := func(rt *testRuntime) {
		for _, task := range rt.tasks {
			task.cancel = func() {
				rt.note("and inside that Cancel, Close")
				rt.group.Close()
			}
		}
	}
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		closes(rt)
		rt.tasks[0].end(broken)
		f := rt.group.Wait()
		rt.wantPending(f, "b and c haven't ended")
		rt.wantCancelled("a has failed", "b c")
		rt.tasks[1].end(ErrCancelled)
		rt.tasks[2].end(ErrCancelled)
		rt.wantReady(f, "a has failed", broken)
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		closes(rt)
		rt.note("Close")
		rt.group.Close()
		rt.wantCancelled("the group was closed", "a b")
	})
}

// A Wait that was ready takes nothing away from the next one.
func TestWaitAgain(t *testing.T) {
	one, two := errors.New("broken"), errors.New("broken") // the texts are equal, the errors aren't
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c")
		rt.tasks[0].end(one)
		rt.tasks[1].end(nil)
		rt.tasks[2].end(two)
		rt.wantReady(rt.group.Wait(), "all have ended", one, two)
		rt.wantReady(rt.group.Wait(), "all had ended before, and this is another Wait: it yields the errors of all tasks as well", one, two)
		rt.note("Close")
		rt.group.Close()
		rt.wantReady(rt.group.Wait(), "all had ended before the Close", one, two)
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a")
		rt.tasks[0].end(nil)
		rt.wantReady(rt.group.Wait(), "a has ended")
		rt.start("b")
		f := rt.group.Wait()
		rt.wantPending(f, "b was added after a Wait was ready, and hasn't ended")
		rt.tasks[1].end(two)
		rt.wantReady(f, "b has failed", two)
	})
}

// A cancelled task may end with something else.
func TestErrorsAfterTheClose(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b", "c", "d")
		rt.note("Close")
		rt.group.Close()
		rt.tasks[0].end(ErrCancelled)
		rt.tasks[1].end(one)
		rt.tasks[2].end(nil)
		f := rt.group.Wait()
		rt.wantPending(f, "d hasn't ended")
		rt.tasks[3].end(two)
		rt.wantReady(f, "the group was closed, and only ErrCancelled is left out: b and d have ended with errors of their own", one, two)
	})
	testTry(t, func(rt *testRuntime) {
		rt.start("a", "b")
		rt.tasks[0].onPoll = func() {
			rt.note("Close, while a is polled")
			rt.group.Close()
			rt.tasks[0].end(one)
			rt.wantRefused("the group is closed")
		}
		f := rt.group.Wait()
		rt.wantPending(f, "b hasn't ended")
		rt.wantCancelled("the group was closed while a was polled", "a b")
		rt.tasks[1].end(ErrCancelled)
		rt.wantReady(f, "a has failed, and b was cancelled", one)
	})
}

// Hundreds of tasks, of which three fail, and thousands of polls until they do.
func TestManyTasksAndPolls(t *testing.T) {
	first, second, last := errors.New("first"), errors.New("second"), errors.New("last")
	testTry(t, func(rt *testRuntime) {
		const n = 300
		for i := range n {
			rt.start(fmt.Sprint("task ", i+1))
		}
		f := rt.group.Wait()
		for poll := range 1500 {
			if err, ready := rt.wait(f); ready || err != nil {
				rt.Fatalf("%d tasks were started, and none has ended; Poll number %d of Wait returned %v, %t, want nil, false", n, poll+1, err, ready)
			}
		}
		rt.steps = []string{fmt.Sprintf("%d tasks were started, and Wait was polled 1,500 times", n)}
		rt.tasks[n-1].end(last)
		rt.wantPending(f, "the last one has failed, and the others haven't ended")
		for i, task := range rt.tasks[:n-1] {
			if task.cancels != 1 {
				rt.Fatalf("%d tasks were started, and the last one has failed; task %d was cancelled %d times, want once", n, i+1, task.cancels)
			}
			task.ended, task.err = true, ErrCancelled
		}
		rt.steps = []string{fmt.Sprintf("%d tasks were started, the last one has failed, and the others were cancelled. The first, and number 257, have ended with errors of their own", n)}
		rt.tasks[0].err, rt.tasks[256].err = first, second
		rt.wantReady(f, "all have ended", first, second, last)
	})
}
