//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// queue is kqueue(2). It has a filter for each direction, and EV_ONESHOT
// removes a filter when it has been reported.
type queue struct {
	fd     int
	events [64]unix.Kevent_t // what does not fit is there at the next wait
}

func openQueue() (*queue, error) {
	fd, err := unix.Kqueue()
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return &queue{fd: fd}, os.NewSyscallError("kqueue", err)
}

// arm replaces what fd was armed for.
func (q *queue) arm(fd int, want interest) error {
	if err := q.filter(fd, unix.EVFILT_READ, want[readable]); err != nil {
		return err
	}
	return q.filter(fd, unix.EVFILT_WRITE, want[writable])
}

// filter adds or removes one filter. One that is not there needs no removing.
func (q *queue) filter(fd, mode int, on bool) error {
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], fd, mode, unix.EV_DELETE)
	if on {
		unix.SetKevent(&ev[0], fd, mode, unix.EV_ADD|unix.EV_ONESHOT)
	}
	_, err := unix.Kevent(q.fd, ev[:], nil, nil)
	for err == unix.EINTR {
		_, err = unix.Kevent(q.fd, ev[:], nil, nil)
	}
	if !on && err == unix.ENOENT {
		return nil
	}
	return os.NewSyscallError("kevent", err)
}

// wait blocks until there is an event. The peer's end is an event of the
// filter that is armed, and sets EV_EOF in it.
func (q *queue) wait() (ready []event, err error) {
	n, err := unix.Kevent(q.fd, nil, q.events[:], nil)
	for i := range q.events[:max(n, 0)] {
		write := q.events[i].Filter == unix.EVFILT_WRITE
		ready = append(ready, event{int(q.events[i].Ident), interest{readable: !write, writable: write}})
	}
	return ready, err
}

func (q *queue) close() error { return unix.Close(q.fd) }
