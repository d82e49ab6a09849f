// want: inside a Cancel that follows from it

package main

import "errors"

// Group is some tasks that end together: none outlives it, and if one fails, the
// others are cancelled. All of this happens on one goroutine.
type Group struct {
	tasks   Tasks
	members []*member // all of them, in the order of Go
	closed  bool      // one has failed, or Close was called
}

type member struct {
	task  Task
	ended bool
	err   error // why it has failed, or nil
}

// NewGroup makes a group whose tasks run in this runtime.
func NewGroup(tasks Tasks) *Group { return &Group{tasks: tasks} }

// Go starts a task in the group.
func (g *Group) Go(f Future[error]) {
	if g.closed {
		Close(f)
		return
	}
	g.members = append(g.members, &member{task: g.tasks.Spawn(f)})
}

// Wait is ready when all tasks have ended, with all their errors.
func (g *Group) Wait() Future[error] { return &waiting{g} }

// Close cancels what is left. It doesn't wait for the end: Wait does.
func (g *Group) Close() error {
	if g.closed {
		return nil
	}
	for _, m := range g.members {
		if !m.ended {
			m.task.Cancel()
		}
	}
	g.closed = true
	return nil
}

type waiting struct{ group *Group }

// Poll polls each task that hasn't ended, also those that are added meanwhile.
func (w *waiting) Poll(cx *Context) (error, bool) {
	g := w.group
	pending := 0
	for i := 0; i < len(g.members); i++ {
		m := g.members[i]
		if m.ended {
			continue
		}
		err, ended := m.task.Poll(cx)
		if !ended {
			pending++
			continue
		}
		m.ended = true
		if err != nil && err != ErrCancelled {
			m.err = err
			g.Close()
		}
	}
	if pending > 0 {
		return nil, false
	}
	var errs []error
	for _, m := range g.members {
		errs = append(errs, m.err)
	}
	return errors.Join(errs...), true
}
