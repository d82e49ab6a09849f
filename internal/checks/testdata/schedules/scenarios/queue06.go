package main

import (
	"maps"
	"slices"
	"time"

	"schedules/sched"
)

// bellQueue stands in for epoll_linux.go of chapter 06: edge-triggered, with a
// bell.
type bellQueue struct {
	seen   map[int]registered
	rung   bool
	closed bool
}

type registered struct {
	generation uint32
	edges      [2]int // that have been reported
}

func openQueue() (queue, error) { return &bellQueue{seen: make(map[int]registered)}, nil }

func (q *bellQueue) add(fd int, generation uint32) error {
	sched.Step("adds to the queue")
	sched.Change(func() { q.seen[fd] = registered{generation: generation} })
	q.check("add")
	return nil
}

func (q *bellQueue) again(fd int, generation uint32) error { return q.add(fd, generation) }

func (q *bellQueue) remove(fd int) {
	sched.Step("removes from the queue")
	sched.Change(func() { delete(q.seen, fd) })
	q.check("remove")
}

func (q *bellQueue) wait(timeout time.Duration) (events []event, err error) {
	var deadline time.Time
	if timeout >= 0 {
		deadline = time.Now().Add(timeout)
	}
	what := "waits in the queue"
	if timeout == 0 {
		what = "looks at the queue"
	}
	sched.Await(what, deadline, func() bool { return timeout == 0 || q.rung || len(q.pending()) > 0 })
	sched.Change(func() {
		events = q.pending()
		for _, ev := range events {
			_, edges := sched.Look(ev.fd)
			q.seen[ev.fd] = registered{ev.generation, edges}
		}
		q.rung = false
	})
	q.check("wait")
	return events, nil
}

// pending is called inside Change or Await.
func (q *bellQueue) pending() (events []event) {
	for _, fd := range slices.Sorted(maps.Keys(q.seen)) {
		is, edges := sched.Look(fd)
		seen := q.seen[fd]
		is[readable] = is[readable] && edges[readable] > seen.edges[readable]
		is[writable] = is[writable] && edges[writable] > seen.edges[writable]
		if is != [2]bool{} {
			events = append(events, event{fd: fd, generation: seen.generation, ready: is})
		}
	}
	return events
}

func (q *bellQueue) ring() error {
	sched.Step("rings the bell")
	sched.Change(func() { q.rung = true })
	q.check("ring")
	return nil
}

func (q *bellQueue) close() {
	sched.Step("closes the queue")
	sched.Change(func() { q.closed = true })
}

// check fails if the queue is closed: another descriptor may have its number.
func (q *bellQueue) check(what string) {
	closed := false
	sched.Change(func() { closed = q.closed })
	if closed {
		sched.Failf("%s of a queue that is closed", what)
	}
}
