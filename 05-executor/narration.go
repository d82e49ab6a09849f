package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// word is a leaf future that yields what the peer writes to fd.
type word struct{ fd int }

func (w word) Poll(cx *Context) (Response, bool) {
	buf := make([]byte, 16)
	n, err := ignoringEINTR(unix.Read, w.fd, buf)
	if err == unix.EAGAIN {
		if err = cx.WakeWhenReadable(w.fd); err == nil {
			return Response{}, false
		}
	}
	return Response{Body: string(buf[:n]), Err: err}, true
}

func logf(actor, format string, args ...any) {
	fmt.Printf("  %-9s %s\n", actor, fmt.Sprintf(format, args...))
}

// narrate runs one task to its end and prints each step. The peer writes when
// the executor parks, so the order is the same every time.
func narrate(r *Reactor) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(os.NewSyscallError("socketpair", err))
	defer unix.Close(pair[1])
	defer unix.Close(pair[0])
	check(os.NewSyscallError("set non-blocking", unix.SetNonblock(pair[0], true)))
	var got Response
	e := NewExecutor(r)
	e.Trace = Trace{
		Poll:    func(t *Task) { logf("executor", "polls task %d", t.ID) },
		Pending: func(t *Task) { logf("task", "%d has asked the reactor, and returns: pending", t.ID) },
		Ready:   func(t *Task) { logf("task", "%d is ready: %q", t.ID, got.Body) },
		Woken: func(t *Task) {
			logf("reactor", "the kernel has an event: its descriptor is readable")
			logf("reactor", "wakes task %d, which is queued again", t.ID)
		},
		Park: func() {
			logf("executor", "parks: its queue is empty")
			logf("peer", "writes")
			unix.Write(pair[1], []byte("hello"))
		},
		Unpark: func() { logf("executor", "unparks") },
	}
	Spawn(e, storeResult[Response]{word{pair[0]}, &got})
	e.Run()
	return got.Err
}
