package main

import "sync"

// executor is the chapter's, without tasks: the run queue has names.
type executor struct {
	parker *Parker

	mu       sync.Mutex
	runQueue []string // guarded by mu
}

func newExecutor() *executor { return &executor{parker: NewParker()} }

// run parks until there's a task in the run queue.
func (e *executor) run() {
	for {
		e.mu.Lock()
		found := len(e.runQueue) > 0
		e.mu.Unlock()
		if found {
			return
		}
		e.parker.Park()
	}
}

// brokenWake unparks, then pushes.
func (e *executor) brokenWake() {
	e.parker.Wake()
	e.mu.Lock()
	e.runQueue = append(e.runQueue, "task")
	e.mu.Unlock()
}

// repairedWake pushes, then unparks.
func (e *executor) repairedWake() {
	e.mu.Lock()
	e.runQueue = append(e.runQueue, "task")
	e.mu.Unlock()
	e.parker.Wake()
}
