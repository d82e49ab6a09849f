package main

import "runtime"

const (
	eventInterval    = 256 // polls, until the runtime looks at events and timers
	transfersPerPoll = 64  // reads, writes and the like, until it's another task's turn
)

// loop is the executor. It polls tasks until root has ended.
func (rt *Runtime) loop(root *Task) error {
	for root.state != ended {
		if t := rt.next(); t != nil {
			rt.poll(t)
			continue
		}
		if err := rt.park(); err != nil {
			return err
		}
		rt.sincePark = 0
		rt.timers.fire(&rt.Trace, eventInterval)
	}
	return nil
}

// next takes a task from the run queue. It returns nil when there's no task, or
// when it's time to look at the kernel.
func (rt *Runtime) next() *Task {
	if rt.sincePark == eventInterval {
		return nil
	}
	rt.sincePark++
	rt.takeInjected()
	// A goroutine that is about to wake us can do so now, without the bell. We
	// yield twice because every 61st time Go takes us again at once: see
	// findRunnable in runtime/proc.go.
	for try := 0; rt.runQueue.len == 0 && try < 2; try++ {
		runtime.Gosched()
		rt.takeInjected()
	}
	return rt.runQueue.pop()
}

// poll polls t once. If that panics or calls runtime.Goexit, only t ends.
func (rt *Runtime) poll(t *Task) {
	t.queued.Swap(false) // before the poll: a wake during it queues the task again
	if t.state == ended {
		return
	}
	if t.cancelled.Load() {
		rt.end(t, ErrCancelled)
		return
	}
	t.state, t.outside, rt.budget = polling, false, transfersPerPoll
	rt.Trace.task(rt.Trace.Poll, t)
	returned := false
	defer func() {
		if !returned {
			rt.end(t, asPanicError(recover()))
		}
	}()
	ready := t.work.poll(&t.cx)
	returned = true
	t.state = pending
	if ready {
		rt.finish(t)
	}
}

// end closes the future of a task that has failed or was cancelled. The task
// ends in any case, even if that Close panics or calls runtime.Goexit.
func (rt *Runtime) end(t *Task, err error) {
	budget, returned := rt.budget, false
	defer func() {
		if !returned {
			t.work.abandon(asPanicError(recover()))
		}
		rt.budget = budget
		rt.finish(t)
	}()
	t.state, rt.budget = closing, transfersPerPoll // it may have to say goodbye to a peer
	t.work.abandon(err)
	returned = true
}

// finish takes t off the list and wakes the task that waits for its end.
func (rt *Runtime) finish(t *Task) {
	t.state = ended
	last := len(rt.tasks) - 1
	rt.tasks[t.index] = rt.tasks[last]
	rt.tasks[t.index].index = t.index
	rt.tasks[last] = nil
	rt.tasks = rt.tasks[:last]
	rt.Trace.task(rt.Trace.End, t)
	joiner := t.joiner
	t.joiner = nil
	if joiner == nil {
		t.work.report()
	}
	wakeLocal(joiner)
}

// spawn makes t a task, behind those that other goroutines have woken or spawned
// before. Once the runtime is closed, t ends at once.
func (rt *Runtime) spawn(t *Task) {
	rt.takeInjected()
	rt.adopt(t)
	if rt.closed {
		rt.end(t, ErrCancelled)
	}
}

func (rt *Runtime) adopt(t *Task) {
	rt.spawned++
	t.ID, t.index = rt.spawned, int32(len(rt.tasks))
	rt.tasks = append(rt.tasks, t)
	rt.Trace.task(rt.Trace.Spawn, t)
	rt.runQueue.push(t)
}
