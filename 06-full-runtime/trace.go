package main

import (
	"errors"
	"fmt"
	"os"
)

// Trace is told what happens as it happens, in the manner of net/http/httptrace.
// Functions that are nil aren't called. Woken and Error are called by any
// goroutine, all others by the runtime's own.
type Trace struct {
	Spawn, Poll, Woken, End func(*Task)
	Wait                    func(t *Task, what string)            // the future is pending, because of what
	Park, Unpark            func()                                // around a sleep in the kernel
	Descriptor              func(fd int, readable, writable bool) // has an event
	Timer                   func()                                // fires
	Error                   func(error)                           // that nothing else yields; nil: to standard error
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

// reporter returns Error, or what stands in for it.
func (tr *Trace) reporter() func(error) {
	if tr.Error != nil {
		return tr.Error
	}
	return func(err error) {
		fmt.Fprintln(os.Stderr, err)
		var fault *PanicError
		if errors.As(err, &fault) {
			os.Stderr.Write(fault.Stack)
		}
	}
}
