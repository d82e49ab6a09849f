package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// epoll is the poller of Linux: epoll(7), edge-triggered.
type epoll struct {
	fd     int
	bell   int // an eventfd(2): a write to it ends a wait
	kernel [256]unix.EpollEvent
	events []event
}

// edges are the events that we ask for: the peer has sent something (IN), finished (RDHUP),
// or sent urgent data (PRI), or can take something (OUT). HUP and ERR come unasked.
const edges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET

func newPoller() (poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &epoll{fd: fd}
	p.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err = os.NewSyscallError("eventfd", err); err == nil {
		// Without OUT: reading the bell makes it writable, and that event would end
		// the next wait.
		err = p.ctl(unix.EPOLL_CTL_ADD, p.bell, unix.EPOLLIN|unix.EPOLLET)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *epoll) add(fd int) error { return p.ctl(unix.EPOLL_CTL_ADD, fd, edges) }

func (p *epoll) remove(fd int) { p.ctl(unix.EPOLL_CTL_DEL, fd, 0) }

// ctl gives the kernel a number to give back with each event. It's never a Go
// pointer: the garbage collector wouldn't see it there.
func (p *epoll) ctl(op, fd int, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
	err := unix.EpollCtl(p.fd, op, fd, &ev)
	for err == unix.EINTR {
		err = unix.EpollCtl(p.fd, op, fd, &ev)
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// wait rounds its timeout up to the kernel's millisecond. If it rounded down, we'd
// call wait(0) again and again during the last millisecond before a timer.
func (p *epoll) wait(timeout time.Duration) ([]event, error) {
	ms := -1
	if timeout >= 0 {
		ms = int((min(timeout, longestWait) + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(p.fd, p.kernel[:], ms)
	p.events = p.events[:0]
	const failed = unix.EPOLLHUP | unix.EPOLLERR
	const ended = unix.EPOLLRDHUP | unix.EPOLLPRI | failed
	for _, ev := range p.kernel[:max(n, 0)] {
		if int(ev.Fd) == p.bell {
			unix.Read(p.bell, make([]byte, 8)) // sets the counter to 0
			continue
		}
		ready := directions{
			readable: ev.Events&(unix.EPOLLIN|ended) != 0,
			writable: ev.Events&(unix.EPOLLOUT|failed) != 0,
		}
		p.events = append(p.events, event{int(ev.Fd), ready, ev.Events&ended != 0})
	}
	return p.events, err
}

// notify adds to the bell's counter.
func (p *epoll) notify() error {
	_, err := ignoringEINTR(unix.Write, p.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return err
}

// close leaves no number behind. A stream that is closed after this would
// deregister with whatever has the poller's number by then.
func (p *epoll) close() {
	unix.Close(p.bell)
	unix.Close(p.fd)
	p.bell, p.fd = -1, -1
}
