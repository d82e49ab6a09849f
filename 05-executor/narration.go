package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// word is a future that is ready when fd has something to read, or its peer is gone.
type word struct{ fd int }

func (w word) Poll(cx *Context) (struct{}, bool) {
	_, err := ignoringEINTR(unix.Read, w.fd, make([]byte, 16))
	if err == unix.EAGAIN {
		check(cx.WakeWhenReadable(w.fd))
		return struct{}{}, false
	}
	check(err)
	return struct{}{}, true
}

// narrate runs one task to its end and prints each step. The peer writes when the
// executor parks. So one goroutine prints at a time, in the same order every time.
func narrate(r *Reactor) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(err)
	defer func() { unix.Close(pair[0]); unix.Close(pair[1]) }()
	check(unix.SetNonblock(pair[0], true))
	lines := map[string]string{
		"poll":    "  executor  polls the task",
		"pending": "  task      has asked the reactor for a wake, and returns: pending",
		"park":    "  executor  parks: its queue is empty\n  peer      writes",
		"woken":   "  reactor   has an event: the descriptor is readable\n  reactor   wakes the task, to be queued again",
		"unpark":  "  executor  unparks",
		"ready":   "  task      is ready",
	}
	e := NewExecutor(r)
	e.Trace = func(step string, _ *Task) {
		fmt.Println(lines[step])
		if step == "park" {
			unix.Write(pair[1], []byte("hello"))
		}
	}
	Spawn(e, word{pair[0]})
	e.Run()
}
