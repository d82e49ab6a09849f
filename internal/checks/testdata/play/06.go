package main

import (
	"time"

	"schedules/sched"
)

var Scenarios = []sched.Scenario{{"gap", letterOfARuntime}, {"bell", closeAgainstWake}}

func letterOfARuntime(r *sched.R) {
	rt, l := newRuntime(new(onlyBell)), new(letter)
	h := new(JoinHandle[struct{}])
	task := h.init(rt, l)
	task.joiner = caller{}
	rt.spawn(task)
	sched.Call(task, "task 1")
	showRuntime(rt, l, task)
	sched.Skip(atomics...)
	r.Go("runtime", func() { rt.loop(task) })
	r.Go("post", l.post)
}

// closeAgainstWake: the runtime sleeps for a while, and is closed then.
func closeAgainstWake(r *sched.R) {
	rt, l := newRuntime(new(onlyBell)), new(letter)
	h := SpawnRemote(rt, l)
	sched.Call(&h.task, "task 1")
	showRuntime(rt, l, &h.task)
	root := new(JoinHandle[struct{}])
	task := root.init(rt, Sleep(time.Second))
	task.joiner = caller{}
	rt.spawn(task)
	sched.Call(task, "task 2")
	sched.Skip(atomics...)
	sched.BeginWith(sleeps)
	r.Go("runtime", func() {
		rt.loop(task)
		rt.Close()
	})
	r.Go("post", l.post)
}

// A step doesn't end at these, or else it would take forty to ring the bell.
var atomics = []string{"loads", "swaps", "compares and swaps"}

const sleeps = "sleeps until the bell rings"

func showRuntime(rt *Runtime, l *letter, t *Task) {
	sched.Show("l.arrived", "value", func() bool { return l.arrived })
	sched.Show("l.waker", "value", func() Waker { return l.waker })
	sched.Show("injected", "queue", func() []*Task { return rt.injected })
	sched.Show("run queue", "queue", func() (all []*Task) {
		all = append(all, rt.runQueue.outgoing[rt.runQueue.next:]...)
		all = append(all, rt.runQueue.incoming...)
		return all
	})
	sched.Show("parked", "value", func() bool { return sched.Peek(&rt.parked) })
	sched.Show("bell", "token", func() int {
		if rt.reactor.poller.(*onlyBell).rung {
			return 1
		}
		return 0
	})
}

// onlyBell stands in for the kernel's side: nothing waits for a descriptor.
type onlyBell struct{ rung, closed bool }

func (*onlyBell) add(int) error { panic("nothing waits for a descriptor") }
func (*onlyBell) remove(int)    {}

func (p *onlyBell) wait(timeout time.Duration) ([]event, error) {
	var deadline time.Time
	if timeout >= 0 {
		deadline = time.Now().Add(timeout)
	}
	if timeout != 0 {
		sched.Await(sleeps, deadline, func() bool { return p.rung })
	}
	p.rung = false
	return nil, nil
}

func (p *onlyBell) notify() error {
	sched.Step("rings the bell")
	if p.closed {
		sched.Failf("the bell rang after Close had closed it")
	}
	p.rung = true
	return nil
}

func (p *onlyBell) close() {
	sched.Step("closes the bell")
	p.closed = true
}

var rawRead, rawWrite func(fd int, p []byte) (int, error) // nothing is read or written here

func newPoller() (poller, error) { return new(onlyBell), nil }
