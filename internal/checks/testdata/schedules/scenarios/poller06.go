package main

import (
	"maps"
	"slices"
	"time"

	"schedules/sched"
)

// bellPoller replaces epoll_linux.go of chapter 06: edge-triggered, with a bell.
type bellPoller struct {
	seen   map[int][2]int // the edges that have been reported, by descriptor
	rung   bool
	closed bool
}

var rawRead, rawWrite func(fd int, p []byte) (int, error) // nothing is read or written here

func newPoller() (poller, error) { return &bellPoller{seen: make(map[int][2]int)}, nil }

func (p *bellPoller) add(fd int) error {
	sched.Step("adds to the poller")
	sched.Change(func() { p.seen[fd] = [2]int{} })
	p.check("add")
	return nil
}

func (p *bellPoller) remove(fd int) {
	sched.Step("removes from the poller")
	sched.Change(func() { delete(p.seen, fd) })
	p.check("remove")
}

func (p *bellPoller) wait(timeout time.Duration) (events []event, err error) {
	var deadline time.Time
	if timeout >= 0 {
		deadline = time.Now().Add(timeout)
	}
	what := "waits in the kernel"
	if timeout == 0 {
		what = "looks for events"
	}
	sched.Await(what, deadline, func() bool { return timeout == 0 || p.rung || len(p.pending()) > 0 })
	sched.Change(func() {
		events = p.pending()
		for _, ev := range events {
			_, p.seen[ev.fd] = sched.Look(ev.fd)
		}
		p.rung = false
	})
	p.check("wait")
	return events, nil
}

// pending is called inside Change or Await.
func (p *bellPoller) pending() (events []event) {
	for _, fd := range slices.Sorted(maps.Keys(p.seen)) {
		is, edges := sched.Look(fd)
		seen := p.seen[fd]
		is[readable] = is[readable] && edges[readable] > seen[readable]
		is[writable] = is[writable] && edges[writable] > seen[writable]
		if is != [2]bool{} {
			events = append(events, event{fd: fd, ready: is})
		}
	}
	return events
}

func (p *bellPoller) notify() error {
	sched.Step("rings the bell")
	sched.Change(func() { p.rung = true })
	p.check("notify")
	return nil
}

func (p *bellPoller) close() {
	sched.Step("closes the poller")
	sched.Change(func() { p.closed = true })
}

// check fails if the poller is closed: another descriptor may have its number.
func (p *bellPoller) check(what string) {
	closed := false
	sched.Change(func() { closed = p.closed })
	if closed {
		sched.Failf("%s on a poller that is closed", what)
	}
}
