package main

import "cmp"

// Group runs futures as tasks and ends them together, in the manner of
// golang.org/x/sync/errgroup. The first failure cancels the other tasks. With a
// deferred Close of the group, no task outlives the function that defers it.
type Group struct {
	runtime *Runtime
	members map[*member]bool   // those that haven't ended
	failed  *member            // the first one that failed
	ended   *Channel[struct{}] // Wait receives from it; closed, and made anew, when no member is left
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

// Go starts f as a task, for callers on the runtime's goroutine. The group owns f. After
// a failure, and after Close, it closes f instead.
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
	if failed := m.err != nil || m.value != nil; failed && g.failed == nil {
		g.failed = m
		for other := range g.members {
			other.Cancel()
		}
	} else {
		m.Close() // drops a later failure, but reports a panic
	}
	if len(g.members) == 0 {
		g.ended.Close()
		g.ended = NewChannel[struct{}](1)
	}
}

// Wait is ready when all tasks have ended, with the first failure: the error of a future, a
// *PanicError, or ErrCancelled, which Close causes too. It yields nil if nothing failed.
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

// Close ends all tasks of the group before it returns. If one of them calls it, that one
// is only cancelled, and ends after its poll.
func (g *Group) Close() error {
	g.closed = true
	for len(g.members) > 0 && !completes(g.endMembers) { // again after a runtime.Goexit
	}
	if g.failed != nil {
		g.failed.Close() // reports a panic that Wait hasn't yielded
	}
	return nil
}

func (g *Group) endMembers() {
	for m := range g.members {
		if m.task.state == pending {
			g.runtime.fail(&m.task, ErrCancelled)
		} else {
			m.Cancel() // it's being polled, or closed
		}
	}
}
