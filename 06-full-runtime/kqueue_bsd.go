//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// kqueue is the poller of macOS and the BSDs: kqueue(2) with EV_CLEAR, which
// makes it edge-triggered.
type kqueue struct {
	fd     int
	bell   [2]int // a pipe, since older NetBSD and OpenBSD have no EVFILT_USER
	kernel [256]unix.Kevent_t
	events []event
}

func newPoller() (poller, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	unix.CloseOnExec(fd)
	p := &kqueue{fd: fd, bell: [2]int{-1, -1}}
	if err := unix.Pipe(p.bell[:]); err != nil {
		p.close()
		return nil, os.NewSyscallError("pipe", err)
	}
	for _, end := range p.bell {
		unix.CloseOnExec(end)
		unix.SetNonblock(end, true)
	}
	if err := p.change(p.bell[0], unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *kqueue) add(fd int) error {
	if err := p.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR); err != nil {
		return err
	}
	return p.change(fd, unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_CLEAR)
}

func (p *kqueue) remove(fd int) {
	p.change(fd, unix.EVFILT_READ, unix.EV_DELETE)
	p.change(fd, unix.EVFILT_WRITE, unix.EV_DELETE)
}

func (p *kqueue) change(fd, filter, flags int) error {
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], fd, filter, flags)
	_, err := unix.Kevent(p.fd, ev[:], nil, nil)
	for err == unix.EINTR {
		_, err = unix.Kevent(p.fd, ev[:], nil, nil)
	}
	return os.NewSyscallError("kevent", err)
}

func (p *kqueue) wait(timeout time.Duration) ([]event, error) {
	var limit *unix.Timespec
	if timeout >= 0 {
		ts := unix.NsecToTimespec(int64(min(timeout, longestWait)))
		limit = &ts
	}
	n, err := unix.Kevent(p.fd, nil, p.kernel[:], limit)
	p.events = p.events[:0]
	for i := range p.kernel[:max(n, 0)] {
		ev := &p.kernel[i]
		if int(ev.Ident) == p.bell[0] {
			unix.Read(p.bell[0], make([]byte, 8)) // or the pipe would fill up
			continue
		}
		write, end := ev.Filter == unix.EVFILT_WRITE, ev.Flags&unix.EV_EOF != 0
		p.events = append(p.events, event{int(ev.Ident), directions{readable: !write, writable: write}, end})
	}
	return p.events, err
}

func (p *kqueue) notify() error {
	_, err := ignoringEINTR(unix.Write, p.bell[1], []byte{1})
	return err
}

// close leaves no number behind. A stream that is closed after this would
// deregister with whatever has the poller's number by then.
func (p *kqueue) close() {
	unix.Close(p.bell[0])
	unix.Close(p.bell[1])
	unix.Close(p.fd)
	p.bell, p.fd = [2]int{-1, -1}, -1
}
