package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// word is a leaf future: what the peer writes to fd.
type word struct{ fd int }

func (w word) Poll(cx *Context) (string, bool) {
	var buf [16]byte
	n, err := retry(unix.Read, w.fd, buf[:])
	if err == unix.EAGAIN {
		err = cx.reactor.Register(w.fd, readable, announced{cx.Waker()})
		if err == nil {
			return "", false
		}
	}
	if err != nil {
		return "error: " + err.Error(), true
	}
	return string(buf[:n]), true
}

// announced is a Waker around a Waker.
type announced struct{ Waker }

func (a announced) Wake() {
	say("reactor", "the kernel has an event: its descriptor is readable")
	a.Waker.Wake()
}

func say(who, what string, args ...any) {
	fmt.Printf("  %-9s %s\n", who, fmt.Sprintf(what, args...))
}

// narrate runs one task to its end. The peer writes when the executor parks,
// so things happen in the same order every time.
func narrate(r *Reactor) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[1])
	defer unix.Close(pair[0])
	if err := unix.SetNonblock(pair[0], true); err != nil {
		return os.NewSyscallError("set non-blocking", err)
	}
	e := NewExecutor(r)
	e.Trace = Trace{
		Poll:    func(t *Task) { say("executor", "polls task %d", t.ID) },
		Pending: func(t *Task) { say("task", "%d has asked the reactor, and returns: pending", t.ID) },
		Ready:   func(t *Task) { say("task", "%d is ready", t.ID) },
		Woken:   func(t *Task) { say("reactor", "wakes task %d, which is queued again", t.ID) },
		Unpark:  func() { say("executor", "unparks") },
		Park: func() {
			say("executor", "parks: its queue is empty")
			say("peer", "writes")
			unix.Write(pair[1], []byte("hello"))
		},
	}
	Spawn(e, word{pair[0]})
	e.Run()
	return nil
}
