package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// poller is epoll(7), used one-shot: after an event, epoll reports nothing more
// about the descriptor until it's armed again.
type poller struct {
	fd     int
	events [64]unix.EpollEvent // if there are more, the next wait returns them
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poller{fd: fd}, os.NewSyscallError("epoll_create1", err)
}

// arm tries MOD, then ADD. It keeps no record of what it has added, because the kernel
// removes a socket from its set when the last descriptor of it is closed, and doesn't tell us.
func (p *poller) arm(fd int, want directions) error {
	if want == (directions{}) {
		return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil))
	}
	ev := unix.EpollEvent{Fd: int32(fd), Events: unix.EPOLLONESHOT}
	if want[readable] {
		ev.Events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if want[writable] {
		ev.Events |= unix.EPOLLOUT
	}
	err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &ev)
	if err == unix.ENOENT {
		err = unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &ev)
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// wait counts HUP and ERR for both directions, because the next read and the next write
// will both return at once, and say what happened. RDHUP ends only the reading.
func (p *poller) wait() (events []event, err error) {
	n, err := unix.EpollWait(p.fd, p.events[:], -1)
	const failed = unix.EPOLLHUP | unix.EPOLLERR
	for _, ev := range p.events[:max(n, 0)] {
		events = append(events, event{int(ev.Fd), directions{
			readable: ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|failed) != 0,
			writable: ev.Events&(unix.EPOLLOUT|failed) != 0,
		}})
	}
	return events, err
}

func (p *poller) close() error { return unix.Close(p.fd) }
