package main

import (
	"cmp"
	"slices"
)

// Group runs futures as tasks of their own and ends them together, in the
// manner of golang.org/x/sync/errgroup. The first one that fails cancels the
// others. No task outlives its Group, if you close that:
//
//	g := NewGroup(co.cx)
//	defer g.Close()
//	g.Go(...)
//	err := Await(co, g.Wait())
type Group struct {
	runtime *Runtime
	members []*member
	left    int     // members that haven't ended
	failed  *member // the first one
	waker   Waker   // of Wait
	closed  bool
}

// member is a task of a group, and the Waker that its end wakes.
type member struct {
	JoinHandle[error]
	group *Group
}

// NewGroup makes a group for the tasks of the runtime that polls the caller.
func NewGroup(cx *Context) *Group { return &Group{runtime: cx.task.runtime} }

// Go starts f as a task. The group owns f from now on. After a failure, and
// after Close, f is closed instead.
func (g *Group) Go(f Future[error]) {
	if g.closed || g.failed != nil {
		Close(f)
		return
	}
	m := &member{group: g}
	m.init(g.runtime, f)
	m.task.joiner = m
	g.members = append(g.members, m)
	g.left++
	g.runtime.spawn(&m.task)
}

// Wake is called when the member's task has ended.
func (m *member) Wake() {
	g := m.group
	g.left--
	if g.failed == nil && (m.err != nil || m.value != nil) {
		g.failed = m
		for _, other := range g.members {
			other.Cancel()
		}
	} else {
		m.Close() // a failure after the first is reported, if it's a panic
	}
	if 2*g.left < len(g.members) && !g.closed {
		g.members = slices.DeleteFunc(g.members, func(m *member) bool { return m.task.state == ended })
	}
	if g.left == 0 {
		wakeLocal(g.waker)
		g.waker = nil
	}
}

// Wait is ready when all tasks have ended, with the first failure: what a future
// has yielded, a *PanicError, or ErrCancelled.
func (g *Group) Wait() Future[error] { return &wait{group: g} }

type wait struct {
	group *Group
	waker Waker // of the latest poll
}

func (w *wait) Poll(cx *Context) (error, bool) {
	g := w.group
	if g.left > 0 {
		w.waker, g.waker = cx.waker, cx.waker
		cx.waitsFor("the tasks of a group")
		return nil, false
	}
	if g.failed == nil {
		return nil, true
	}
	r := g.failed.result()
	return cmp.Or(r.Err, r.Value), true
}

// Close waits no longer. The tasks go on.
func (w *wait) Close() error {
	if w.group.waker == w.waker {
		w.group.waker = nil
	}
	return nil
}

// Close cancels the tasks that haven't ended, here and now. One that is being
// polled, because it's the one that calls Close, ends after this poll. Close
// doesn't wait for it.
func (g *Group) Close() error {
	g.closed = true
	for len(g.members) > 0 && !apart(g.closeMembers) {
	}
	if g.failed != nil {
		g.failed.Close() // it's reported, if it's a panic and Wait has not yielded it
	}
	return nil
}

func (g *Group) closeMembers() {
	for len(g.members) > 0 {
		m := g.members[0]
		g.members = g.members[1:]
		switch m.task.state {
		case pending:
			g.runtime.end(&m.task, ErrCancelled)
		case polling:
			m.Cancel()
		}
	}
}
