package main

import "sync"

// Executor polls the tasks that have been woken, on the goroutine that calls Run,
// and sleeps when there are none.
type Executor struct {
	Trace Trace // silent; set its functions before the first Spawn, if at all

	reactor *Reactor
	parker  *Parker
	spawned int // how many tasks there have been
	live    int // how many of them haven't finished

	mu       sync.Mutex
	runQueue []*Task // guarded by mu; the tasks to poll, first woken first
}

// A Task is a future that an executor polls, and its own Waker. Its states:
//
//	queued    it's in the run queue, from Spawn or Wake until pop
//	polled    from pop until Poll returns; a wake makes it queued as well
//	idle      Poll has returned false; it stays idle until Wake
//	finished  Poll has returned true; pop drops it if it's woken once more
type Task struct {
	ID int // 1, 2, 3 ... in the order of Spawn

	executor *Executor
	poll     func() (ready bool) // polls the future; nil if the task has finished
	queued   bool                // guarded by executor.mu
}

// NewExecutor returns an executor without tasks. Their futures register with r,
// which may be nil if none of them waits for a descriptor.
func NewExecutor(r *Reactor) *Executor {
	return &Executor{Trace: silent(), reactor: r, parker: NewParker()}
}

// Spawn makes f a task, and queues it, because nothing would wake a future that
// has never been polled. Call Spawn before Run, or in a Poll.
func Spawn[T any](e *Executor, f Future[T]) {
	e.spawned++
	e.live++
	t := &Task{ID: e.spawned, executor: e}
	cx := &Context{waker: t, reactor: e.reactor}
	t.poll = func() bool {
		_, ready := f.Poll(cx)
		return ready
	}
	e.push(t)
}

// Run returns when all tasks have finished.
func (e *Executor) Run() {
	for e.live > 0 {
		t := e.pop()
		if t == nil {
			// ← a wake that comes here isn't lost: its token makes park return
			e.park()
			continue
		}
		if t.poll == nil {
			continue // t was woken after it had finished
		}
		if e.poll(t) {
			t.poll = nil // drops the future as well
			e.live--
		}
	}
}

// Wake queues the task for another poll.
func (t *Task) Wake() {
	e := t.executor
	e.Trace.Woken(t)
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

// pop returns nil if the queue is empty.
func (e *Executor) pop() *Task {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.runQueue) == 0 {
		return nil
	}
	t := e.runQueue[0]
	e.runQueue = e.runQueue[1:]
	t.queued = false // before the poll: a wake during the poll must queue t again
	return t
}
