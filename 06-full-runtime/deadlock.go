package main

import (
	"fmt"
	"strings"
)

// DeadlockError says which tasks wait, and for what, when nothing that the
// runtime knows of can wake any of them: no descriptor, timer, call of Blocking,
// or waker that was taken out with Context.Waker. Go's runtime says the same of
// goroutines, and knows all of them. This one does not know of a goroutine that
// is going to call Spawn or Cancel: some task must wait for it, in Blocking or
// with a waker.
type DeadlockError struct{ Tasks []string }

func (e *DeadlockError) Error() string {
	return "deadlock: no task can go on\n  " + strings.Join(e.Tasks, "\n  ")
}

// stuck says whether no task can be woken from outside. One that is marked as
// queued, but not yet in a queue, is being woken right now. It may look at every
// task, but only before a sleep that no timer and no descriptor would end.
// Caller holds mu.
func (rt *Runtime) stuck() bool {
	for t := rt.tasks; t != nil; t = t.next {
		if t.outside || t.queued.Load() {
			return false
		}
	}
	return true
}

// deadlock makes the report. Caller holds mu.
func (rt *Runtime) deadlock() *DeadlockError {
	e := new(DeadlockError)
	for t := rt.tasks; t != nil; t = t.next {
		what := "is pending, but has asked nobody to wake it"
		if t.waits != nil {
			what = "waits for " + t.waits.String()
		}
		e.Tasks = append([]string{fmt.Sprintf("task %d %s", t.ID, what)}, e.Tasks...)
	}
	return e
}

func (t *Task) String() string { return fmt.Sprintf("task %d", t.ID) }
