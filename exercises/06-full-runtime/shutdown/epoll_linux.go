package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// epoll is epoll(7), edge-triggered: a descriptor is registered once, for both
// directions, and reported whenever something about it changes.
type epoll struct {
	fd     int
	bell   int // an eventfd(2): a write to it ends a wait
	kernel [256]unix.EpollEvent
	events []event
}

const edges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET

func openQueue() (queue, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	q := &epoll{fd: fd, bell: bell}
	// Only to read: taking the number out makes it writable, and that event
	// would end the next wait.
	if err := q.ctl(unix.EPOLL_CTL_ADD, bell, unix.EPOLLIN|unix.EPOLLET, 0); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func (q *epoll) add(fd int, generation uint32) error {
	return q.ctl(unix.EPOLL_CTL_ADD, fd, edges, generation)
}

func (q *epoll) again(fd int, generation uint32) error {
	return q.ctl(unix.EPOLL_CTL_MOD, fd, edges, generation)
}

func (q *epoll) remove(fd int) { q.ctl(unix.EPOLL_CTL_DEL, fd, 0, 0) }

// ctl gives the kernel 64 bits to give back with the event. They hold two
// numbers, never a Go pointer: the garbage collector would not see it there.
func (q *epoll) ctl(op, fd int, events, generation uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(generation)}
	err := unix.EpollCtl(q.fd, op, fd, &ev)
	for err == unix.EINTR {
		err = unix.EpollCtl(q.fd, op, fd, &ev)
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// wait rounds its timeout up to the kernel's millisecond: rounded down, the
// last one before a timer would be spent in waits of zero, at full speed.
func (q *epoll) wait(timeout time.Duration) ([]event, error) {
	ms := -1
	if timeout >= 0 {
		ms = int((min(timeout, longest) + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(q.fd, q.kernel[:], ms)
	q.events = q.events[:0]
	const failed = unix.EPOLLHUP | unix.EPOLLERR
	const toEnd = unix.EPOLLRDHUP | unix.EPOLLPRI | failed // PRI: urgent data, see transfer
	for _, ev := range q.kernel[:max(n, 0)] {
		if int(ev.Fd) == q.bell {
			unix.Read(q.bell, make([]byte, 8))
			continue
		}
		q.events = append(q.events, event{int(ev.Fd), uint32(ev.Pad), interest{
			readable: ev.Events&(unix.EPOLLIN|toEnd) != 0,
			writable: ev.Events&(unix.EPOLLOUT|failed) != 0,
		}, ev.Events&toEnd != 0})
	}
	return q.events, err
}

// ring adds 1 to the bell's counter.
func (q *epoll) ring() error {
	_, err := retry(unix.Write, q.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return err
}

// close leaves no number behind: a stream that is closed later would deregister
// with whoever has it then.
func (q *epoll) close() {
	unix.Close(q.bell)
	unix.Close(q.fd)
	q.bell, q.fd = -1, -1
}
