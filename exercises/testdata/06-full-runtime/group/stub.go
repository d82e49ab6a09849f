package main

// Group is some tasks that end together: none outlives it, and if one fails, the
// others are cancelled. All of this happens on one goroutine. You may add fields.
type Group struct {
	tasks Tasks
}

// NewGroup makes a group whose tasks run in this runtime.
func NewGroup(tasks Tasks) *Group { return &Group{tasks: tasks} }

// Go starts a task in the group. It's yours to write.
func (g *Group) Go(f Future[error]) {}

// Wait is ready when all tasks have ended, with all their errors. It's yours to
// write.
func (g *Group) Wait() Future[error] { return &waiting{g} }

// Close cancels what is left. It doesn't wait for the end: Wait does. It's yours
// to write.
func (g *Group) Close() error { return nil }

type waiting struct{ group *Group }

// Poll is yours to write.
func (w *waiting) Poll(cx *Context) (error, bool) {
	return nil, false // not started
}
