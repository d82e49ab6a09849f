package main

import "sync"

// Executor polls woken tasks on the goroutine that calls Run, and sleeps if there are none.
type Executor struct {
	Trace func(step string, t *Task) // called at each step, on any goroutine, t maybe nil; set Trace before Spawn

	reactor *Reactor
	parker  *Parker
	live    int // how many tasks haven't finished; only Run's goroutine uses it

	mu       sync.Mutex
	runQueue []*Task // guarded by mu; the tasks to poll, first woken first
}

// A Task is a future that an executor polls, and its own Waker. Its states:
//
//	queued    it's in the run queue, from Spawn or Wake until pop
//	polled    from pop until Poll returns; if it's woken meanwhile, it's also queued
//	idle      Poll has returned false; it stays idle until Wake
//	finished  Poll has returned true; Run drops it if it's woken once more
type Task struct {
	executor *Executor
	poll     func() (ready bool) // polls the future; nil if the task has finished
	queued   bool                // guarded by executor.mu
}

// NewExecutor returns an executor. r may be nil if no task waits for a descriptor.
func NewExecutor(r *Reactor) *Executor {
	return &Executor{Trace: func(string, *Task) {}, reactor: r, parker: NewParker()}
}

// Spawn makes f a task, and queues it, because nothing would wake a future that
// has never been polled. Call it on the goroutine of Run: before Run, or in a Poll.
func Spawn[T any](e *Executor, f Future[T]) {
	e.live++
	t := &Task{executor: e}
	cx := &Context{waker: t, reactor: e.reactor}
	t.poll = func() bool { return poll(t, f, cx) }
	e.push(t)
}

// Run returns when all tasks have finished: never, if one isn't woken. If a Poll panics, no future is closed.
func (e *Executor) Run() {
	for e.live > 0 {
		t := e.pop()
		if t == nil {
			// ← a wake that comes here isn't lost: its token makes park return
			e.park()
			continue
		}
		if t.poll == nil {
			continue // t has finished: this wake came in its last poll, or later
		}
		if t.poll() {
			t.poll = nil // drops the future as well
			e.live--
		}
	}
}

// poll polls t's future once, and reports whether it's ready.
func poll[T any](t *Task, f Future[T], cx *Context) bool {
	t.executor.Trace("poll", t)
	if _, ready := f.Poll(cx); !ready {
		t.executor.Trace("pending", t)
		return false
	}
	t.executor.Trace("ready", t)
	return true
}

func (e *Executor) park() {
	e.Trace("park", nil)
	e.parker.Park()
	e.Trace("unpark", nil)
}

// Wake queues the task for another poll. Any goroutine may call it.
func (t *Task) Wake() {
	e := t.executor
	e.Trace("woken", t) // a wake is a step even if t is queued already
	// Push, then unpark. In the other order, the executor may wake up, find the
	// queue empty and park again before the push. Then nothing would wake it.
	if e.push(t) {
		e.parker.Wake()
	}
}

// push reports whether it has added t. It hasn't if t is in the queue already.
func (e *Executor) push(t *Task) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.queued {
		return false
	}
	t.queued = true
	e.runQueue = append(e.runQueue, t)
	return true
}

// pop takes out the task that was woken first, or returns nil if the queue is empty.
func (e *Executor) pop() *Task {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.runQueue) == 0 {
		return nil
	}
	t := e.runQueue[0]
	e.runQueue[0] = nil // or the array would keep the task
	e.runQueue = e.runQueue[1:]
	t.queued = false // before the poll: a wake during the poll must queue t again
	return t
}
