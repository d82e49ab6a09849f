package main

import "sync"

// Executor polls tasks, on the goroutine that calls Run, and sleeps when none
// of them has been woken.
type Executor struct {
	Trace Trace // set it before the first Spawn, if at all

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
	cx       Context
	poll     func(*Context) (ready bool) // the future's Poll; nil once it was ready
	queued   bool                        // guarded by executor.mu: it is in ready
}

// Trace is told what happens, as it happens. What is nil is not called. Woken
// is called by whoever calls Wake, the others on Run's goroutine.
type Trace struct {
	Poll, Pending, Ready, Woken func(*Task)
	Park, Unpark                func()
}

// NewExecutor makes an executor without tasks. Their futures register with r,
// which may be nil if none of them waits for a descriptor.
func NewExecutor(r *Reactor) *Executor { return &Executor{reactor: r, parker: NewParker()} }

// Spawn makes f a task, which is polled without having been woken. Call it
// before Run, or from a Poll inside it.
func Spawn[T any](e *Executor, f Future[T]) {
	e.spawned++
	e.live++
	t := &Task{ID: e.spawned, executor: e}
	t.cx = Context{waker: t, reactor: e.reactor}
	t.poll = func(cx *Context) bool {
		_, ready := f.Poll(cx)
		return ready
	}
	e.push(t)
}

// Run returns when every task has finished.
func (e *Executor) Run() {
	for e.live > 0 {
		if t := e.pop(); t != nil {
			e.pollTask(t)
			continue
		}
		e.Trace.call(e.Trace.Park)
		e.parker.Park() // a wake since pop has left its token
		e.Trace.call(e.Trace.Unpark)
	}
}

func (e *Executor) pollTask(t *Task) {
	if t.poll == nil {
		return // woken after it finished
	}
	e.Trace.task(e.Trace.Poll, t)
	if !t.poll(&t.cx) {
		e.Trace.task(e.Trace.Pending, t)
		return
	}
	e.Trace.task(e.Trace.Ready, t)
	t.poll = nil // and with it the future
	e.live--
}

// Wake puts the task into the queue, once however often it is called before
// the next poll.
func (t *Task) Wake() {
	e := t.executor
	e.Trace.task(e.Trace.Woken, t)
	// Push, then unpark. An executor that is unparked first may find an empty
	// queue and park again, and nobody is left to wake it.
	if e.push(t) {
		e.parker.Wake()
	}
}

func (e *Executor) push(t *Task) (added bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.queued {
		return false
	}
	t.queued = true
	e.ready = append(e.ready, t)
	return true
}

// pop takes the task out before it is polled: a wake during the poll queues it
// again. Taken out after the poll, that wake would be lost.
func (e *Executor) pop() *Task {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.ready) == 0 {
		return nil
	}
	t := e.ready[0]
	e.ready[0] = nil
	e.ready = e.ready[1:]
	t.queued = false
	return t
}

func (Trace) call(f func()) {
	if f != nil {
		f()
	}
}

func (Trace) task(f func(*Task), t *Task) {
	if f != nil {
		f(t)
	}
}
