//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// poller is kqueue(2). It has one filter for each direction of a descriptor, and
// EV_ONESHOT removes a filter as soon as it has been reported.
type poller struct {
	fd     int
	events [64]unix.Kevent_t // if there are more, the next wait returns them
}

func newPoller() (*poller, error) {
	fd, err := unix.Kqueue()
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return &poller{fd: fd}, os.NewSyscallError("kqueue", err)
}

// arm sets both filters, because want replaces what fd was armed for.
func (p *poller) arm(fd int, want directions) error {
	if err := p.setFilter(fd, unix.EVFILT_READ, want[readable]); err != nil {
		return err
	}
	return p.setFilter(fd, unix.EVFILT_WRITE, want[writable])
}

// setFilter adds or removes one filter. Removing a filter that isn't there is
// no error.
func (p *poller) setFilter(fd, filter int, on bool) error {
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], fd, filter, unix.EV_DELETE)
	if on {
		unix.SetKevent(&ev[0], fd, filter, unix.EV_ADD|unix.EV_ONESHOT)
	}
	_, err := unix.Kevent(p.fd, ev[:], nil, nil)
	for err == unix.EINTR {
		_, err = unix.Kevent(p.fd, ev[:], nil, nil)
	}
	if !on && err == unix.ENOENT {
		return nil
	}
	return os.NewSyscallError("kevent", err)
}

// wait returns an event for each filter that is ready. If the peer has finished or
// failed, the filter is ready, too.
func (p *poller) wait() (events []event, err error) {
	n, err := unix.Kevent(p.fd, nil, p.events[:], nil)
	for _, ev := range p.events[:max(n, 0)] {
		write := ev.Filter == unix.EVFILT_WRITE
		events = append(events, event{int(ev.Ident), directions{readable: !write, writable: write}})
	}
	return events, err
}

func (p *poller) close() error { return unix.Close(p.fd) }
