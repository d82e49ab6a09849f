// want: told that it has finished
package main

import (
	"fmt"
	"sync"
)

// Executor is the chapter's, without its reactor and trace.
type Executor struct {
	parker *Parker
	tasks  []*Task // all of them, in the order of Spawn
	live   int     // how many tasks haven't finished

	mu       sync.Mutex
	runQueue []*Task // guarded by mu; the tasks to poll, first woken first
}

func NewExecutor() *Executor { return &Executor{parker: NewParker()} }

// Task is its own waker.
type Task struct {
	ID int // 1, 2, 3 ... in the order of Spawn

	executor *Executor
	poll     func(cx *Context) (ready bool)
	finished bool
	waiters  []*Task // to be woken when it has finished
	queued   bool    // guarded by executor.mu

	outside bool    // it has taken its waker in its latest poll
	asked   []*Task // what it has asked about in its latest poll
}

// StuckError names the tasks that can never go on, in the order of Spawn.
type StuckError struct{ IDs []int }

func (e *StuckError) Error() string { return fmt.Sprintf("tasks %v can never go on", e.IDs) }

// Context is what a task may ask of its executor, in its poll.
type Context struct{ task *Task }

// Waker returns what wakes the task. It's for something outside the
// executor, such as a timer or another goroutine.
func (cx *Context) Waker() Waker {
	cx.task.outside = true
	return cx.task
}

// Finished reports whether other has finished. If it hasn't, the task that asks
// is woken when it has.
func (cx *Context) Finished(other *Task) bool {
	cx.task.asked = append(cx.task.asked, other)
	if !other.finished {
		other.waiters = append(other.waiters, cx.task)
	}
	return other.finished
}

// Spawn makes a task, which is polled without having been woken. Call it before
// Run, or from a poll inside it.
func (e *Executor) Spawn(poll func(cx *Context) (ready bool)) *Task {
	t := &Task{ID: len(e.tasks) + 1, executor: e, poll: poll}
	e.tasks = append(e.tasks, t)
	e.live++
	e.push(t)
	return t
}

// Run returns nil when every task has finished, and a StuckError when it would
// go to sleep while there are tasks that nothing can ever wake.
func (e *Executor) Run() error {
	for e.live > 0 {
		switch t := e.pop(); {
		case t == nil:
			if ids := e.stuck(); len(ids) > 0 {
				return &StuckError{ids}
			}
			e.parker.Park()
		case !t.finished:
			t.outside, t.asked = false, nil
			t.finished = t.poll(&Context{t})
			if t.finished {
				e.live--
				for _, w := range t.waiters {
					w.Wake()
				}
			}
		}
	}
	return nil
}

// stuck returns the IDs of the tasks that can never go on, in the order of Spawn.
// It's called when the queue is empty.
func (e *Executor) stuck() (ids []int) {
	can := make([]bool, len(e.tasks))
	for i, t := range e.tasks {
		can[i] = t.outside
	}
	for changed := true; changed; {
		changed = false
		for i, t := range e.tasks {
			for _, other := range t.asked {
				if !can[i] && can[other.ID-1] {
					can[i], changed = true, true
				}
			}
		}
	}
	for i, t := range e.tasks {
		if !t.finished && !can[i] {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func (t *Task) Wake() {
	if t.executor.push(t) {
		t.executor.parker.Wake()
	}
}

func (e *Executor) push(t *Task) (added bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if added = !t.queued; added {
		t.queued = true
		e.runQueue = append(e.runQueue, t)
	}
	return added
}

func (e *Executor) pop() (t *Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.runQueue) > 0 {
		t, e.runQueue = e.runQueue[0], e.runQueue[1:]
		t.queued = false
	}
	return t
}
