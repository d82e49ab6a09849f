// want: in the same poll

package main

import "errors"

// Group is some tasks that end together: none outlives it, and if one fails, the
// others are cancelled. All of this happens on one goroutine.
type Group struct {
	tasks   Tasks
	members []*member // all, in the order of Go
	stopped bool      // a task has failed, or Close was called
}

type member struct {
	task  Task
	ended bool
	err   error
}

// NewGroup makes a group whose tasks run in this runtime.
func NewGroup(tasks Tasks) *Group { return &Group{tasks: tasks} }

// Go starts a task in the group.
func (g *Group) Go(f Future[error]) {
	if g.stopped {
		Close(f)
		return
	}
	g.members = append(g.members, &member{task: g.tasks.Spawn(f)})
}

// Wait is ready when all tasks have ended, with all their errors.
func (g *Group) Wait() Future[error] { return &waiting{g} }

// Close cancels what is left. It doesn't wait for the end: Wait does.
func (g *Group) Close() error {
	if g.stopped {
		return nil
	}
	g.stopped = true
	for _, m := range g.members {
		if !m.ended {
			m.task.Cancel()
		}
	}
	return nil
}

type waiting struct{ group *Group }

func (w *waiting) Poll(cx *Context) (error, bool) {
	g := w.group
	left, before := 0, len(g.members)
	for i := 0; i < len(g.members); i++ { // a task that's polled may add others
		m := g.members[i]
		if m.ended {
			continue
		}
		if m.err, m.ended = m.task.Poll(cx); !m.ended {
			left++
		} else if m.err == ErrCancelled {
			m.err = nil
		} else if m.err != nil {
			if !g.stopped {
				g.stopped = true
				for _, m := range g.members[:before] {
					if !m.ended {
						m.task.Cancel()
					}
				}
			}
		}
	}
	if left > 0 {
		return nil, false
	}
	var errs []error
	for _, m := range g.members {
		errs = append(errs, m.err)
	}
	return errors.Join(errs...), true
}
