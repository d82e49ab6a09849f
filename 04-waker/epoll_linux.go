package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// queue is epoll(7), one-shot, so that a future that is not polled again is not
// reported again. To arm is to ask: a descriptor that is ready already is
// reported at once.
type queue struct {
	fd     int
	events [64]unix.EpollEvent // what does not fit is there at the next wait
}

func openQueue() (*queue, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &queue{fd: fd}, os.NewSyscallError("epoll_create1", err)
}

// arm replaces what fd was armed for, and keeps no record of it: that would go
// stale when fd is closed. There is no EINTR here, as epoll_ctl never sleeps.
func (q *queue) arm(fd int, want interest) error {
	if want == (interest{}) {
		return os.NewSyscallError("epoll_ctl", unix.EpollCtl(q.fd, unix.EPOLL_CTL_DEL, fd, nil))
	}
	ev := unix.EpollEvent{Fd: int32(fd), Events: unix.EPOLLONESHOT}
	if want[readable] {
		ev.Events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if want[writable] {
		ev.Events |= unix.EPOLLOUT
	}
	err := unix.EpollCtl(q.fd, unix.EPOLL_CTL_MOD, fd, &ev)
	if err == unix.ENOENT {
		err = unix.EpollCtl(q.fd, unix.EPOLL_CTL_ADD, fd, &ev)
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// wait blocks until there is an event. HUP and ERR concern both directions:
// the next read or write says what it is.
func (q *queue) wait() (ready []event, err error) {
	n, err := unix.EpollWait(q.fd, q.events[:], -1)
	const failed = unix.EPOLLHUP | unix.EPOLLERR
	for _, ev := range q.events[:max(n, 0)] {
		ready = append(ready, event{int(ev.Fd), interest{
			readable: ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|failed) != 0,
			writable: ev.Events&(unix.EPOLLOUT|failed) != 0,
		}})
	}
	return ready, err
}

func (q *queue) close() error { return unix.Close(q.fd) }
