package main

import (
	"maps"
	"slices"
	"time"

	"schedules/sched"
)

// poller replaces epoll_linux.go of chapters 04 and 05. It is level-triggered
// and one-shot, as theirs is.
type poller struct {
	armed  map[int]directions
	closed bool
}

func newPoller() (*poller, error) { return &poller{armed: make(map[int]directions)}, nil }

func (p *poller) arm(fd int, want directions) error {
	sched.Step("arms the poller")
	sched.Change(func() { p.armed[fd] = want })
	p.check("arm")
	return nil
}

func (p *poller) wait() (events []event, err error) {
	sched.Await("waits in the kernel", time.Time{}, func() bool { return len(p.pending()) > 0 })
	sched.Change(func() {
		events = p.pending()
		for _, ev := range events {
			delete(p.armed, ev.fd)
		}
	})
	p.check("wait")
	return events, nil
}

// pending is called inside Change or Await.
func (p *poller) pending() (events []event) {
	for _, fd := range slices.Sorted(maps.Keys(p.armed)) {
		is, _ := sched.Look(fd)
		if want := p.armed[fd]; want[readable] && is[readable] || want[writable] && is[writable] {
			events = append(events, event{fd, directions{want[readable] && is[readable], want[writable] && is[writable]}})
		}
	}
	return events
}

func (p *poller) close() error {
	sched.Step("closes the poller")
	sched.Change(func() { p.closed = true })
	return nil
}

func (p *poller) check(what string) {
	closed := false
	sched.Change(func() { closed = p.closed })
	if closed {
		sched.Failf("%s on a poller that is closed", what)
	}
}

// descriptor is a leaf future: ready when fd is ready in one direction, or has
// no hope to be.
type descriptor struct {
	fd  int
	dir direction
}

func (d descriptor) Poll(cx *Context) (error, bool) {
	if sched.Ready(d.fd, int(d.dir)) {
		return nil, true
	}
	ask := cx.WakeWhenReadable
	if d.dir == writable {
		ask = cx.WakeWhenWritable
	}
	err := ask(d.fd)
	return err, err != nil
}
