package main

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

//go:embed stuck.go
var testSource string

// A testWait is what a task of a test waits for: that one of these tasks has
// finished, or that a timer has woken it, or nothing at all.
type testWait struct {
	tasks []int
	timer time.Duration
}

func testForTask(ids ...int) testWait           { return testWait{tasks: ids} }
func testForTimer(after time.Duration) testWait { return testWait{timer: after} }

// A testPlan is what a task waits for, one after the other. Then it finishes.
type testPlan []testWait

// testRun makes a task of each plan, and returns which of them have finished.
func testRun(plans []testPlan) (finished []int, err error) {
	e, tasks := NewExecutor(), make([]*Task, len(plans))
	for i, plan := range plans {
		var due time.Time
		tasks[i] = e.Spawn(func(cx *Context) bool {
			for ; len(plan) > 0; plan, due = plan[1:], (time.Time{}) {
				come := false
				for _, id := range plan[0].tasks {
					come = cx.Finished(tasks[id-1]) || come
				}
				if after := plan[0].timer; after > 0 {
					if due.IsZero() {
						due = time.Now().Add(after)
					}
					if come = !time.Now().Before(due); !come {
						time.AfterFunc(time.Until(due), cx.Waker().Wake)
					}
				}
				if !come {
					return false
				}
			}
			finished = append(finished, i+1)
			return true
		})
	}
	err = e.Run()
	return finished, err
}

// testStuck wants these tasks to be reported, at this time. story says what
// they do.
func testStuck(t *testing.T, story string, want []int, at time.Duration, plans ...testPlan) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	sentence := fmt.Sprintf("%s; tasks %v can never go on, and Run sleeps instead of saying so", story, want)
	check.Bubble(t, 2*time.Second, sentence, func(t testing.TB) {
		start := time.Now()
		_, err := testRun(plans)
		if got := testIDs(t, story, err, want); !slices.Equal(got, want) {
			t.Fatalf("%s; Run reports %v, want %v", story, got, want)
		}
		if took := time.Since(start); took != at {
			t.Fatalf("%s; Run reports %v after %v, want it after %v: when it would have gone to sleep for the first time since they are stuck", story, want, took, at)
		}
	})
}

// testIDs returns those of a StuckError, and wants err to be one itself.
func testIDs(t testing.TB, story string, err error, want []int) []int {
	t.Helper()
	stuck, isStuck := err.(*StuckError)
	switch {
	case isStuck && stuck != nil:
		return stuck.IDs
	case errors.As(err, &stuck):
		t.Fatalf("%s; Run returned %q, a %T with a *StuckError inside, want the *StuckError itself: a caller that asks for this type doesn't look inside", story, err, err)
	}
	t.Fatalf("%s; Run returned %v, want a *StuckError of %v", story, err, want)
	return nil
}

// testShort is the error's text, or its beginning.
func testShort(err error) string {
	text := fmt.Sprint(err)
	if len(text) > 80 {
		return text[:80] + " …"
	}
	return text
}

// testFinish wants all tasks to finish.
func testFinish(t *testing.T, story string, plans ...testPlan) {
	t.Helper()
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	check.Bubble(t, 2*time.Second, story+"; so all finish in the end, and Run doesn't return", func(t testing.TB) {
		finished, err := testRun(plans)
		if stuck, isStuck := err.(*StuckError); isStuck && stuck == nil {
			t.Fatalf("%s; all finish, and Run returned a nil *StuckError, which is not the same as nil", story)
		}
		if err != nil || len(finished) != len(plans) {
			t.Fatalf("%s; so all finish in the end. But tasks %v have finished, and Run returned %s", story, finished, testShort(err))
		}
	})
}

func TestTwoThatWaitForEachOther(t *testing.T) {
	check.Started(t, "stuck.go", testSource)
	testStuck(t, "tasks 1 and 2 wait for each other", []int{1, 2}, 0,
		testPlan{testForTask(2)}, testPlan{testForTask(1)})
}

func TestTasksWokenFromOutsideFinish(t *testing.T) {
	testFinish(t, "a timer has its waker, and wakes it after a second",
		testPlan{testForTimer(time.Second)})
	testFinish(t, "task 1 waits for 2; a timer has the waker of 2",
		testPlan{testForTask(2)}, testPlan{testForTimer(time.Second)})
	testFinish(t, "each of three tasks waits for a timer, twice",
		testPlan{testForTimer(3), testForTimer(1)}, testPlan{testForTimer(1), testForTimer(1)}, testPlan{testForTimer(2), testForTimer(2)})
}

func TestRunSleepsUntilATaskIsWoken(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	due := time.Duration(1 + check.Random(t).IntN(1e9))
	check.Bubble(t, 2*time.Second, "a timer has the waker of the only task, and Run doesn't return; does it go round and round?", func(t testing.TB) {
		start := time.Now()
		_, err := testRun([]testPlan{{testForTimer(due)}})
		if took := time.Since(start); err != nil || took != due {
			t.Fatalf("a timer has the waker of the only task, for %v; Run returned %v after %v, want nil after %[1]v: it sleeps until a task is woken, and not by the clock", due, err, took)
		}
	})
}

func TestAllThatAreQueuedArePolledFirst(t *testing.T) {
	testFinish(t, "task 1 waits for 2, which is still in the queue then, and finishes in its first poll",
		testPlan{testForTask(2)}, testPlan{})
}

func TestTaskThatWaitsForItself(t *testing.T) {
	testStuck(t, "task 2 waits for itself, and 1 has finished", []int{2}, 0,
		testPlan{}, testPlan{testForTask(2)})
}

func TestWaitsForItselfAndForATimer(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	const story = "task 1 waits for itself, and a timer has its waker as well, for a second"
	check.Bubble(t, 2*time.Second, story+"; Run doesn't return", func(t testing.TB) {
		e, polls := NewExecutor(), 0
		var one *Task
		one = e.Spawn(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Second, cx.Waker().Wake)
				cx.Finished(one)
			}
			return polls == 2
		})
		if err := e.Run(); err != nil {
			t.Fatalf("%s; after poll %d Run returned %v, want nil: one of several is enough", story, polls, err)
		}
	})
}

func TestTaskThatHasAskedForNothing(t *testing.T) {
	testStuck(t, "task 1 is pending, and has asked for nothing that would wake it", []int{1}, 0,
		testPlan{testWait{}})
	testStuck(t, "task 2 is pending, and has asked for nothing that would wake it; 1 waits for 2", []int{1, 2}, 0,
		testPlan{testForTask(2)}, testPlan{testWait{}})
}

func TestTwoThatHaveAskedForNothing(t *testing.T) {
	testStuck(t, "tasks 1 and 3 are pending, and have asked for nothing; 2 finishes at once", []int{1, 3}, 0,
		testPlan{testWait{}}, testPlan{}, testPlan{testWait{}})
}

func TestTaskThatWaitsForACircle(t *testing.T) {
	testStuck(t, "task 1 waits for 2, which is not in the circle, but waits for it: 2 and 3 wait for each other", []int{1, 2, 3}, 0,
		testPlan{testForTask(2)}, testPlan{testForTask(3)}, testPlan{testForTask(2)})
	testStuck(t, "3, 4 and 5 wait in a circle, 1 waits for 2, and 2 for 5", []int{1, 2, 3, 4, 5}, 0,
		testPlan{testForTask(2)}, testPlan{testForTask(5)}, testPlan{testForTask(4)}, testPlan{testForTask(5)}, testPlan{testForTask(3)})
}

func TestLongWay(t *testing.T) {
	testFinish(t, "task 1 waits for 2, 2 for 3, 3 for 4; a timer has the waker of 4",
		testPlan{testForTask(2)}, testPlan{testForTask(3)}, testPlan{testForTask(4)}, testPlan{testForTimer(time.Second)})
	testFinish(t, "task 4 waits for 3, 3 for 2, 2 for 1; a timer has the waker of 1",
		testPlan{testForTimer(time.Second)}, testPlan{testForTask(1)}, testPlan{testForTask(2)}, testPlan{testForTask(3)})
}

// Hundreds, and as many again, the other way round.
func TestVeryLongWay(t *testing.T) {
	const n = 300
	up, down, all := make([]testPlan, n), make([]testPlan, n), make([]int, n)
	for i := range n {
		up[i], down[i], all[i] = testPlan{testForTask(i + 2)}, testPlan{testForTask(i)}, i+1
	}
	up[n-1], down[0] = testPlan{testForTimer(time.Second)}, testPlan{testForTimer(time.Second)}
	testFinish(t, "each of 300 tasks waits for the one after it; a timer has the waker of the last one", up...)
	testFinish(t, "each of 300 tasks waits for the one before it; a timer has the waker of the first one", down...)
	up[n-1] = testPlan{testForTask(1)}
	testStuck(t, "each of 300 tasks waits for the one after it, and the last one waits for the first", all, 0, up...)
}

func TestOneOfMany(t *testing.T) {
	const n = 100
	plans, others := make([]testPlan, n), make([]int, n)
	for i := range n {
		plans[i], others[i] = testPlan{testForTask(1)}, i+1
	}
	plans[0], plans[n-1] = testPlan{testForTask(others[1:]...)}, testPlan{testForTimer(time.Second)}
	testFinish(t, "task 1 waits for one of the 99 others; 2 to 99 wait for 1; a timer has the waker of 100", plans...)
}

func TestOneOfTwoIsEnough(t *testing.T) {
	testFinish(t, "task 1 waits for 2 or 3, whichever is first; 2 waits for 1; a timer has the waker of 3",
		testPlan{testForTask(2, 3)}, testPlan{testForTask(1)}, testPlan{testForTimer(time.Second)})
	testFinish(t, "task 1 waits for 3 or 2, whichever is first; 2 waits for 1; a timer has the waker of 3",
		testPlan{testForTask(3, 2)}, testPlan{testForTask(1)}, testPlan{testForTimer(time.Second)})
	testStuck(t, "task 1 waits for 2 or 3, whichever is first; 2 is pending, and has asked for nothing; a timer has the waker of 3", []int{2}, 0,
		testPlan{testForTask(2, 3)}, testPlan{testWait{}}, testPlan{testForTimer(time.Second)})
}

func TestOthersGoOn(t *testing.T) {
	testStuck(t, "tasks 1 and 3 wait for each other; a timer has the waker of 2, for an hour", []int{1, 3}, 0,
		testPlan{testForTask(3)}, testPlan{testForTimer(time.Hour)}, testPlan{testForTask(1)})
	testStuck(t, "a timer has the waker of 1, for a second, and after that 1 waits for 3, and 3 for 1; a timer has the waker of 2, for an hour", []int{1, 3}, time.Second,
		testPlan{testForTimer(time.Second), testForTask(3)}, testPlan{testForTimer(time.Hour)}, testPlan{testForTask(1)})
}

func TestOnlyTheLatestPollCounts(t *testing.T) {
	testStuck(t, "a timer had the waker of 1 in an earlier poll, and now 1 and 2 wait for each other", []int{1, 2}, time.Second,
		testPlan{testForTimer(time.Second), testForTask(2)}, testPlan{testForTask(1)})
	testStuck(t, "task 1 waited for 3 in an earlier poll, and 3 has finished; now 1 and 2 wait for each other", []int{1, 2}, time.Second,
		testPlan{testForTask(3), testForTask(2)}, testPlan{testForTask(1)}, testPlan{testForTimer(time.Second)})
}

// Its list of waiters may still have a task that asks for others now.
func TestWhatWasAskedInAnEarlierPoll(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	const story = "task 1 asked for 3 in an earlier poll, and a timer had its waker; now 1 and 2 wait for each other; a timer has the waker of 3, for an hour"
	check.Bubble(t, 2*time.Second, story+"; tasks 1 and 2 can never go on, and Run sleeps instead of saying so", func(t testing.TB) {
		e, polls, start := NewExecutor(), 0, time.Now()
		var one, two, three *Task
		one = e.Spawn(func(cx *Context) bool {
			if polls++; polls == 1 {
				time.AfterFunc(time.Second, cx.Waker().Wake)
				return cx.Finished(three)
			}
			return cx.Finished(two)
		})
		two = e.Spawn(func(cx *Context) bool { return cx.Finished(one) })
		three = e.Spawn(func(cx *Context) bool {
			if time.Since(start) < time.Hour {
				time.AfterFunc(time.Hour, cx.Waker().Wake)
				return false
			}
			return true
		})
		err := e.Run()
		if got := testIDs(t, story, err, []int{1, 2}); !slices.Equal(got, []int{1, 2}) || time.Since(start) != time.Second {
			t.Fatalf("%s; after %v Run returned %v, want a StuckError of [1 2] after 1s", story, time.Since(start), err)
		}
	})
}

func TestAsksForNothingAnymore(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	for _, asked := range []string{"a timer had its waker", "it waited for task 2, which has finished", "it woke itself, and took its waker once more"} {
		story := "in its first poll " + asked + "; that has woken task 1, and in its second poll it asked for nothing, and was pending"
		check.Bubble(t, 2*time.Second, story+"; it can never go on, and Run sleeps instead of saying so", func(t testing.TB) {
			e, polls, start := NewExecutor(), 0, time.Now()
			var two *Task
			e.Spawn(func(cx *Context) bool {
				switch polls++; {
				case polls > 1:
				case asked == "a timer had its waker":
					time.AfterFunc(time.Second, cx.Waker().Wake)
				case asked == "it woke itself, and took its waker once more":
					cx.Waker().Wake()
					cx.Waker()
				default:
					cx.Finished(two)
				}
				return false
			})
			two = e.Spawn(func(cx *Context) bool {
				if time.Since(start) < time.Second {
					time.AfterFunc(time.Second, cx.Waker().Wake)
					return false
				}
				return true
			})
			err := e.Run()
			if got := testIDs(t, story, err, []int{1}); !slices.Equal(got, []int{1}) {
				t.Fatalf("%s; after %v Run returned %v, want a StuckError of [1]: only the latest poll counts", story, time.Since(start), err)
			}
		})
	}
}

// It has finished, and took its waker in its last poll.
func TestFinishedTaskWakesNoOther(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	const story = "task 1 took its waker in the poll in which it was ready; 2 asked about 1, was told that it has finished, and asked for nothing else, and is pending; 3 waits for 2"
	check.Bubble(t, 2*time.Second, story+"; tasks 2 and 3 can never go on, and Run sleeps instead of saying so", func(t testing.TB) {
		e := NewExecutor()
		one := e.Spawn(func(cx *Context) bool {
			cx.Waker()
			return true
		})
		two := e.Spawn(func(cx *Context) bool {
			if !cx.Finished(one) {
				t.Fatal("task 1 has finished in its first poll, and then Finished told task 2 that it hasn't")
			}
			return false
		})
		e.Spawn(func(cx *Context) bool { return cx.Finished(two) })
		err := e.Run()
		if got := testIDs(t, story, err, []int{2, 3}); !slices.Equal(got, []int{2, 3}) {
			t.Fatalf("%s; Run reports %v, want [2 3]: a task that has finished wakes no other anymore", story, got)
		}
	})
}

func TestTaskThatWakesItself(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	check.Bubble(t, 2*time.Second, "a task wakes itself in its first poll, and is ready in its second; Run doesn't return", func(t testing.TB) {
		e, polls := NewExecutor(), 0
		e.Spawn(func(cx *Context) bool {
			if polls++; polls == 1 {
				cx.Waker().Wake()
			}
			return polls == 2
		})
		if err := e.Run(); err != nil {
			t.Fatalf("a task wakes itself in its first poll, and is ready in its second; after poll %d Run returned %v", polls, err)
		}
	})
}

func TestTaskThatIsSpawnedInAPoll(t *testing.T) {
	if check.IsStub(testSource) {
		t.Skip("not tried: stuck.go is not started")
	}
	check.Bubble(t, 2*time.Second, "task 1 spawns 2 and waits for it; a timer has the waker of 2, and Run doesn't return", func(t testing.TB) {
		e := NewExecutor()
		var child *Task
		e.Spawn(func(cx *Context) bool {
			if child == nil {
				come := false
				child = e.Spawn(func(cx *Context) bool {
					if !come {
						come = true
						time.AfterFunc(time.Second, cx.Waker().Wake)
						return false
					}
					return true
				})
			}
			return cx.Finished(child)
		})
		if err := e.Run(); err != nil {
			t.Fatalf("task 1 spawns 2 and waits for it; a timer has the waker of 2, and Run returned %v", err)
		}
	})
}

// Tasks that are drawn anew in each run: some finish at once, some wait for a
// timer, and the others wait for one of several tasks, or for nothing.
func TestManyTasks(t *testing.T) {
	r := check.Random(t)
	for range 40 {
		n := 3 + r.IntN(12)
		plans, story := make([]testPlan, n), ""
		finished, goesOn := make([]bool, n+1), make([]bool, n+1)
		for i := range plans {
			id := i + 1
			switch kind := r.IntN(8); {
			case kind == 0:
				finished[id] = true
				story += fmt.Sprintf("%d finishes at once; ", id)
			case kind == 1:
				goesOn[id] = true
				plans[i] = testPlan{testForTimer(time.Second)}
				story += fmt.Sprintf("a timer has the waker of %d; ", id)
			default:
				var others []int
				for range r.IntN(4) {
					others = append(others, 1+r.IntN(n))
				}
				plans[i] = testPlan{testForTask(others...)}
				story += fmt.Sprintf("%d waits for one of %v; ", id, others)
			}
		}
		spread := func(marks []bool) {
			for more := true; more; {
				more = false
				for i, plan := range plans {
					if len(plan) > 0 && !marks[i+1] && slices.ContainsFunc(plan[0].tasks, func(id int) bool { return marks[id] }) {
						marks[i+1], more = true, true
					}
				}
			}
		}
		spread(finished)
		spread(goesOn)
		var want []int
		for id := 1; id <= n; id++ {
			if !finished[id] && !goesOn[id] {
				want = append(want, id)
			}
		}
		if want == nil {
			testFinish(t, story, plans...)
		} else {
			testStuck(t, story, want, 0, plans...)
		}
	}
}
