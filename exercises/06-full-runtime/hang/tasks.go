package main

import (
	"fmt"
	"iter"
)

// Runtime runs tasks on one goroutine, as long as one of them can go on. It's a
// stand-in for the chapter's, in sixty lines.
type Runtime struct {
	queue []*Task // those that can go on
	tasks []*Task // all that haven't ended
}

// Task is a function that can wait.
type Task struct {
	Name  string
	Waits string // what for; "" while it can go on

	runtime *Runtime
	queued  bool
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
}

// Spawn makes a task of f.
func (rt *Runtime) Spawn(name string, f func(t *Task)) {
	t := &Task{Name: name, runtime: rt}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		defer func() { recover() }() // the panic of a Wait that was stopped
		f(t)
	})
	rt.tasks = append(rt.tasks, t)
	t.Wake()
}

// Wake lets the task go on.
func (t *Task) Wake() {
	t.Waits = ""
	if !t.queued {
		t.queued = true
		t.runtime.queue = append(t.runtime.queue, t)
	}
}

// Wait waits for the next Wake.
func (t *Task) Wait(what string) {
	t.Waits = what
	if !t.yield(struct{}{}) {
		panic("stopped")
	}
}

// Run returns when no task can go on.
func (rt *Runtime) Run() {
	for len(rt.queue) > 0 {
		t := rt.queue[0]
		rt.queue = rt.queue[1:]
		t.queued = false
		if _, more := t.next(); !more {
			for i, other := range rt.tasks {
				if t == other {
					rt.tasks = append(rt.tasks[:i:i], rt.tasks[i+1:]...)
					break
				}
			}
		}
	}
}

// Report tells what is left.
func (rt *Runtime) Report() (lines []string) {
	for _, t := range rt.tasks {
		lines = append(lines, fmt.Sprintf("%s waits for %s", t.Name, t.Waits))
	}
	return lines
}

// Close ends what is left.
func (rt *Runtime) Close() {
	for _, t := range rt.tasks {
		t.stop()
	}
}
