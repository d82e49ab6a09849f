package main

import (
	"fmt"
	"time"
)

// narrate runs a task that waits twice: for a timer, and for a goroutine.
func narrate(rt *Runtime) error {
	defer func() { rt.Trace = Trace{} }()
	parked := make(chan struct{}, 9)
	rt.Trace = Trace{
		Poll:  func(t *Task) { say("executor", "polls task %d", t.ID) },
		Woken: func(t *Task) { say("", "task %d is woken, and queued", t.ID) },
		End:   func(t *Task) { say("executor", "task %d is ready", t.ID) },
		Timer: func() { say("executor", "a timer is due") },
		Park: func() {
			say("executor", "parks in the kernel's queue, as nothing is to be polled")
			parked <- struct{}{}
		},
		Unpark: func() { say("executor", "unparks") },
	}
	_, err := BlockOn(rt, Async(func(co *Co) struct{} {
		say("task", "sleeps for 10 ms: a timer says how long the executor may park")
		Await(co, NewSleep(10*time.Millisecond))
		<-parked
		say("task", "calls what blocks on a goroutine of its own")
		return Await(co, Blocking(func() struct{} {
			<-parked // so that things happen in the same order every time
			say("goroutine", "returns, and wakes the task: the executor sleeps, so the bell rings")
			return struct{}{}
		}))
	}))
	return err
}

func say(who, what string, args ...any) {
	fmt.Printf("  %-9s %s\n", who, fmt.Sprintf(what, args...))
}
