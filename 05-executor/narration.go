package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// word is a leaf future: what the peer writes to fd.
type word struct{ fd int }

func (w word) Poll(cx *Context) (Response, bool) {
	buf := make([]byte, 16)
	n, err := retry(unix.Read, w.fd, buf)
	if err == unix.EAGAIN {
		if err = cx.WakeWhenReadable(w.fd); err == nil {
			return Response{}, false
		}
	}
	return Response{Body: string(buf[:n]), Err: err}, true
}

func say(who, what string, args ...any) { fmt.Printf("  %-9s %s\n", who, fmt.Sprintf(what, args...)) }

// narrate runs one task to its end. The peer writes when the executor parks,
// so things happen in the same order every time.
func narrate(r *Reactor) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(os.NewSyscallError("socketpair", err))
	defer unix.Close(pair[1])
	defer unix.Close(pair[0])
	check(os.NewSyscallError("set non-blocking", unix.SetNonblock(pair[0], true)))
	var got Response
	e := NewExecutor(r)
	e.Trace = Trace{
		Poll:    func(t *Task) { say("executor", "polls task %d", t.ID) },
		Pending: func(t *Task) { say("task", "%d has asked the reactor, and returns: pending", t.ID) },
		Ready:   func(t *Task) { say("task", "%d is ready: %q", t.ID, got.Body) },
		Woken: func(t *Task) {
			say("reactor", "the kernel has an event: its descriptor is readable")
			say("reactor", "wakes task %d, which is queued again", t.ID)
		},
		Park: func() {
			say("executor", "parks: its queue is empty")
			say("peer", "writes")
			unix.Write(pair[1], []byte("hello"))
		},
		Unpark: func() { say("executor", "unparks") },
	}
	Spawn(e, into[Response]{word{pair[0]}, &got})
	e.Run()
	return got.Err
}
