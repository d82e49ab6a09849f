package main

import "cmp"

// Group runs futures as tasks and ends them together, in the manner of
// golang.org/x/sync/errgroup. The first failure cancels the other tasks. With a
// deferred Close of the group, no task outlives it.
type Group struct {
	runtime *Runtime
	members map[*member]bool   // that haven't ended
	failed  *member            // the first one that has
	ended   *Channel[struct{}] // is closed when no member is left, and made anew
	closed  bool
}

// member is a task of a group, and the Waker that is woken when it ends.
type member struct {
	JoinHandle[error]
	group *Group
}

// NewGroup makes a group in the runtime that polls the caller.
func NewGroup(cx *Context) *Group {
	return &Group{runtime: cx.runtime(), members: make(map[*member]bool), ended: NewChannel[struct{}](1)}
}

// Go starts f as a task. The group owns f from now on. After a failure, and
// after Close, it closes f instead.
func (g *Group) Go(f Future[error]) {
	if g.closed || g.failed != nil {
		Close(f)
		return
	}
	m := &member{group: g}
	g.members[m] = true
	m.spawn(g.runtime, f, m)
}

// Wake is called when the member has ended.
func (m *member) Wake() {
	g := m.group
	delete(g.members, m)
	if failed := m.err != nil || m.value != nil; g.failed != nil || !failed {
		m.Close() // reports a panic that isn't the first failure
	} else {
		g.failed = m
		for other := range g.members {
			other.Cancel()
		}
	}
	if len(g.members) == 0 {
		g.ended.Close()
		g.ended = NewChannel[struct{}](1)
	}
}

// Wait is ready when all tasks have ended, with the first failure: the error of
// a future, a *PanicError, or ErrCancelled, also after Close.
func (g *Group) Wait() Future[error] {
	return Async(func(co *Co) error {
		for len(g.members) > 0 {
			Await(co, g.ended.Receive())
		}
		if g.failed == nil {
			return nil
		}
		r := g.failed.result()
		return cmp.Or(r.Err, r.Value)
	})
}

// Close cancels the tasks that haven't ended, here and now. If a task of the
// group calls it, that one ends after this poll, and Close doesn't wait for it.
func (g *Group) Close() error {
	g.closed = true
	for len(g.members) > 0 && !apart(g.endMembers) { // again after a runtime.Goexit
	}
	if g.failed != nil {
		g.failed.Close() // reports a panic that Wait hasn't yielded
	}
	return nil
}

func (g *Group) endMembers() {
	for m := range g.members {
		if m.task.state == pending {
			g.runtime.end(&m.task, ErrCancelled)
		} else {
			m.Cancel() // it's being polled, or closed
		}
	}
}
