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
	Wait                    func(t *Task, what string) // t can't go on without that
	Park, Unpark            func()
	Timer                   func()      // fires
	Error                   func(error) // that no result says; nil prints it
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
