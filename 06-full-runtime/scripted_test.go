package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// scriptedQueue is the kernel's queue of a runtime that never sleeps. When it
// would, step lets others do something, until that makes an event.
type scriptedQueue struct {
	queue
	t       *testing.T
	runtime *Runtime
	step    func(timeout time.Duration) (more bool)
}

func (q *scriptedQueue) wait(timeout time.Duration) ([]event, error) {
	for {
		events, err := q.queue.wait(0)
		if timeout == 0 || len(events) > 0 || err != nil {
			return events, err
		}
		q.check()
		if !q.step(timeout) {
			q.t.Error("nothing more will happen, and somebody waits")
			return nil, unix.EBADF // ends BlockOn
		}
		if timeout > 0 {
			return nil, nil // some of it has passed
		}
	}
}

// check fails the test if somebody waits for what is there already.
func (q *scriptedQueue) check() {
	for _, s := range q.runtime.reactor.sources {
		if s == nil || s.wakers == [2]Waker{} {
			continue
		}
		fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN | unix.POLLOUT}}
		unix.Poll(fds, 0)
		for dir, ready := range []int16{unix.POLLIN, unix.POLLOUT} {
			if s.wakers[dir] != nil && fds[0].Revents&ready != 0 {
				q.t.Errorf("no event has told the %s of %d that it can go on", []string{"reader", "writer"}[dir], s.fd)
			}
		}
	}
}

// scriptedRuntime is one whose kernel is real, and whose time is step's.
func scriptedRuntime(t *testing.T, step func(timeout time.Duration) (more bool)) *Runtime {
	t.Helper()
	q, err := openQueue()
	if err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(nil)
	rt.reactor.queue = &scriptedQueue{q, t, rt, step}
	t.Cleanup(func() { closeEmpty(t, rt) })
	return rt
}
