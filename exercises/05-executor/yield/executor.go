package main

import "sync"

// Executor polls tasks, on the goroutine that calls Run, and sleeps when none
// of them has been woken.
type Executor struct {
	Trace Trace // does nothing; set its fields, if at all, before the first Spawn

	reactor *Reactor
	parker  *Parker
	spawned int // tasks so far
	live    int // tasks that have not finished

	mu    sync.Mutex
	ready []*Task // guarded by mu: woken and not yet polled, first in, first out
}

// Task is a future of which the executor takes care. It is a Waker, its own.
type Task struct {
	ID int // 1, 2, 3 ... in the order of Spawn

	executor *Executor
	poll     func() (ready bool) // the future's; nil once it was ready
	queued   bool                // guarded by executor.mu: it is in ready
}

// Trace is told what happens, as it happens. Woken is called by whoever calls
// Wake, the others on Run's goroutine.
type Trace struct {
	Poll, Pending, Ready, Woken func(*Task)
	Park, Unpark                func()
}

// NewExecutor makes an executor without tasks. Their futures register with r,
// which may be nil if none of them waits for a descriptor.
func NewExecutor(r *Reactor) *Executor {
	ignore, nothing := func(*Task) {}, func() {}
	trace := Trace{ignore, ignore, ignore, ignore, nothing, nothing}
	return &Executor{Trace: trace, reactor: r, parker: NewParker()}
}

// Spawn makes f a task, which is polled without having been woken. Call it
// before Run, or from a Poll inside it.
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

// Run returns when every task has finished.
func (e *Executor) Run() {
	for e.live > 0 {
		switch t := e.pop(); {
		case t == nil:
			e.Trace.Park()
			e.parker.Park() // a wake since pop has left its token
			e.Trace.Unpark()
		case t.poll != nil: // otherwise it was woken after it finished
			e.Trace.Poll(t)
			if !t.poll() {
				e.Trace.Pending(t)
				continue
			}
			e.Trace.Ready(t)
			t.poll = nil // and with it the future
			e.live--
		}
	}
}

// Wake puts the task into the queue, once however often it is called before
// the next poll.
func (t *Task) Wake() {
	e := t.executor
	e.Trace.Woken(t)
	// Push, then unpark. An executor that is unparked first may find an empty
	// queue and park again, and nobody is left to wake it.
	if e.push(t) {
		e.parker.Wake()
	}
}

func (e *Executor) push(t *Task) (added bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if added = !t.queued; added {
		t.queued = true
		e.ready = append(e.ready, t)
	}
	return added
}

// pop takes the task out before it is polled: a wake during the poll queues it
// again. Taken out after the poll, that wake would be lost.
func (e *Executor) pop() (t *Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.ready) > 0 {
		t, e.ready = e.ready[0], e.ready[1:]
		t.queued = false
	}
	return t
}
