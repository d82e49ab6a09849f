package main

import "schedules/sched"

var Scenarios = []sched.Scenario{{"push", letterOfATask}, {"poll", letterOfATask}}

func letterOfATask(r *sched.R) {
	l, e := new(letter), NewExecutor(nil)
	Spawn(e, l)
	task := e.runQueue[0]
	sched.Call(task, "task 1")
	sched.Show("l.arrived", "value", func() bool { return l.arrived })
	sched.Show("l.waker", "value", func() Waker { return l.waker })
	sched.Show("task.queued", "value", func() bool { return task.queued })
	sched.Show("run queue", "queue", func() []*Task { return e.runQueue })
	sched.Show("token", "token", func() int { return len(e.parker.token) })
	r.Go("executor", e.Run)
	r.Go("post", l.post)
}

// poller isn't used here: nothing waits for a descriptor.
type poller struct{}
