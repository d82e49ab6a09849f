// want: 256 of 256 jobs are left|65536 of 65537 jobs are left
package main

import "sync"

// Jobs is a future that's ready when all jobs are done.
type Jobs struct {
	mu    sync.Locker
	left  int   // guarded by mu; how many jobs aren't done
	waker Waker // guarded by mu; the one of the latest poll
}

// NewJobs returns a future for n jobs. It uses mu, which isn't locked.
func NewJobs(mu sync.Locker, n int) *Jobs { return &Jobs{mu: mu, left: n} }

// Poll is ready when all jobs are done.
func (j *Jobs) Poll(cx *Context) (struct{}, bool) {
	j.remember(cx.Waker()) // first, so that the last job finds it
	return struct{}{}, j.done()
}

func (j *Jobs) done() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return byte(j.left) == 0 // a small number
}

func (j *Jobs) remember(w Waker) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waker = w
}

// Done says that one more job is done. Each job calls it, on a goroutine of its own.
func (j *Jobs) Done() {
	j.mu.Lock()
	j.left--
	w := j.waker
	if j.left > 0 {
		w = nil
	}
	j.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}
