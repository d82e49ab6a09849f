//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// kqueue is kqueue(2) with EV_CLEAR, which makes it edge-triggered. There is
// room for a generation in udata, but package unix makes that a *byte (not on
// NetBSD), and a number must not stand where Go's garbage collector expects a
// pointer. So there is none, and an old event may cause a poll for nothing.
type kqueue struct {
	fd     int
	bell   [2]int // a pipe, since older NetBSD and OpenBSD have no EVFILT_USER
	kernel [256]unix.Kevent_t
	events []event
}

func openQueue() (queue, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(fd)
	q := &kqueue{fd: fd, bell: [2]int{-1, -1}}
	if err := unix.Pipe(q.bell[:]); err != nil {
		q.close()
		return nil, os.NewSyscallError("pipe", err)
	}
	for _, end := range q.bell {
		unix.CloseOnExec(end)
		unix.SetNonblock(end, true)
	}
	if err := q.change(q.bell[0], unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func (q *kqueue) add(fd int, _ uint32) error {
	if err := q.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR); err != nil {
		return err
	}
	return q.change(fd, unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_CLEAR)
}

// again removes the filters first. To add one that is there makes FreeBSD's
// kernel look again as well, but kqueue(2) does not promise that.
func (q *kqueue) again(fd int, generation uint32) error {
	q.remove(fd)
	return q.add(fd, generation)
}

func (q *kqueue) remove(fd int) {
	q.change(fd, unix.EVFILT_READ, unix.EV_DELETE)
	q.change(fd, unix.EVFILT_WRITE, unix.EV_DELETE)
}

func (q *kqueue) change(fd, filter, flags int) error {
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], fd, filter, flags)
	_, err := unix.Kevent(q.fd, ev[:], nil, nil)
	for err == unix.EINTR {
		_, err = unix.Kevent(q.fd, ev[:], nil, nil)
	}
	return os.NewSyscallError("kevent", err)
}

func (q *kqueue) wait(timeout time.Duration) ([]event, error) {
	var limit *unix.Timespec
	if timeout >= 0 {
		ts := unix.NsecToTimespec(int64(min(timeout, longest)))
		limit = &ts
	}
	n, err := unix.Kevent(q.fd, nil, q.kernel[:], limit)
	q.events = q.events[:0]
	for i := range q.kernel[:max(n, 0)] {
		ev := &q.kernel[i]
		if int(ev.Ident) == q.bell[0] {
			unix.Read(q.bell[0], make([]byte, 8))
			continue
		}
		write, end := ev.Filter == unix.EVFILT_WRITE, ev.Flags&unix.EV_EOF != 0
		q.events = append(q.events, event{int(ev.Ident), 0, interest{readable: !write, writable: write}, end})
	}
	return q.events, err
}

func (q *kqueue) ring() error {
	_, err := retry(unix.Write, q.bell[1], []byte{1})
	return err
}

// close leaves no number behind: a stream that is closed later would deregister
// with whoever has it then.
func (q *kqueue) close() {
	unix.Close(q.bell[0])
	unix.Close(q.bell[1])
	unix.Close(q.fd)
	q.bell, q.fd = [2]int{-1, -1}, -1
}
