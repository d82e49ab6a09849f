package main

import (
	"fmt"
	"os"
)

// Trace is told what happens as it happens, in the manner of net/http/httptrace.
// Functions may be nil, and mustn't block, spawn or wake. Any goroutine may call Woken
// and Error.
type Trace struct {
	Spawn, Poll, Woken, End func(*Task)
	Wait                    func(t *Task, what string) // t waits for that, maybe among others
	Park, Unpark            func()
	Timer                   func()      // a timer fires
	Error                   func(error) // gets errors that no future yields; if it's nil, they go to stderr
}

func (*Trace) call(f func()) {
	if f != nil {
		f()
	}
}

func (*Trace) task(f func(*Task), t *Task) {
	if f != nil {
		f(t)
	}
}

func (tr *Trace) report(err error) {
	if tr.Error != nil {
		tr.Error(err)
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
}
