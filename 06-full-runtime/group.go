package main

import (
	"cmp"
	"slices"
)

// Group runs futures as tasks and ends them together, in the manner of
// golang.org/x/sync/errgroup. The first failure cancels the other tasks. No task
// outlives the group if you close that:
//
//	g := NewGroup(co.cx)
//	defer g.Close()
//	g.Go(...)
//	err := Await(co, g.Wait())
type Group struct {
	runtime *Runtime
	members []*member
	left    int     // members that haven't ended
	failed  *member // the first one that has
	waker   Waker   // of Wait
	closed  bool
}

// member is a task of a group, and the Waker that is woken when it ends.
type member struct {
	JoinHandle[error]
	group *Group
}

// NewGroup makes a group in the runtime that polls the caller.
func NewGroup(cx *Context) *Group { return &Group{runtime: cx.task.runtime} }

// Go starts f as a task. The group owns f from now on. After a failure, and
// after Close, it closes f instead.
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

// Wake is called when the member has ended.
func (m *member) Wake() {
	g := m.group
	g.left--
	if g.failed == nil && (m.err != nil || m.value != nil) {
		g.failed = m
		for _, other := range g.members {
			other.Cancel()
		}
	} else {
		m.Close() // a panic after the first failure is reported
	}
	if !g.closed && 2*g.left < len(g.members) {
		g.members = slices.DeleteFunc(g.members, func(m *member) bool { return m.task.state == ended })
	}
	if g.left == 0 {
		wakeLocal(g.waker)
	}
}

// Wait is ready when all tasks have ended, with the first failure: the error of
// a future, a *PanicError, or ErrCancelled.
func (g *Group) Wait() Future[error] { return (*wait)(g) }

type wait Group

func (g *wait) Poll(cx *Context) (error, bool) {
	if g.left > 0 {
		g.waker = cx.waker
		cx.waitsFor("a group")
		return nil, false
	}
	if g.failed == nil {
		return nil, true
	}
	r := g.failed.result()
	return cmp.Or(r.Err, r.Value), true
}

// Close waits no longer. The tasks go on.
func (g *wait) Close() error {
	g.waker = nil
	return nil
}

// Close cancels the tasks that haven't ended, here and now. If a task of the
// group calls it, that one ends after this poll, and Close doesn't wait for it.
func (g *Group) Close() error {
	g.closed = true
	for len(g.members) > 0 && !apart(g.closeMembers) {
	}
	if g.failed != nil {
		g.failed.Close() // reports a panic, unless Wait has yielded it
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
