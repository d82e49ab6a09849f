package main

import (
	"maps"
	"slices"
	"time"

	"schedules/sched"
)

// queue stands in for epoll_linux.go of chapters 04 and 05: level-triggered,
// one-shot.
type queue struct {
	armed  map[int]interest
	closed bool
}

func openQueue() (*queue, error) { return &queue{armed: make(map[int]interest)}, nil }

func (q *queue) arm(fd int, want interest) error {
	sched.Step("arms the queue")
	sched.Change(func() { q.armed[fd] = want })
	q.check("arm")
	return nil
}

func (q *queue) wait() (events []event, err error) {
	sched.Await("waits in the queue", time.Time{}, func() bool { return len(q.pending()) > 0 })
	sched.Change(func() {
		events = q.pending()
		for _, ev := range events {
			delete(q.armed, ev.fd)
		}
	})
	q.check("wait")
	return events, nil
}

// pending is called inside Change or Await.
func (q *queue) pending() (events []event) {
	for _, fd := range slices.Sorted(maps.Keys(q.armed)) {
		is, _ := sched.Look(fd)
		if want := q.armed[fd]; want[readable] && is[readable] || want[writable] && is[writable] {
			events = append(events, event{fd, interest{want[readable] && is[readable], want[writable] && is[writable]}})
		}
	}
	return events
}

func (q *queue) close() error {
	sched.Step("closes the queue")
	sched.Change(func() { q.closed = true })
	return nil
}

func (q *queue) check(what string) {
	closed := false
	sched.Change(func() { closed = q.closed })
	if closed {
		sched.Failf("%s of a queue that is closed", what)
	}
}
