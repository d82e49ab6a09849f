package main

// Lock is a lock that a task can hold while it waits for something else.
type Lock struct {
	name    string
	holder  *Task
	waiting []*Task
}

// Acquire waits until no other task holds the lock.
func (l *Lock) Acquire(t *Task) {
	for l.holder != nil {
		l.waiting = append(l.waiting, t)
		t.Wait(l.name)
	}
	l.holder = t
}

// Release lets the next one have it.
func (l *Lock) Release() {
	l.holder = nil
	wakeFirst(&l.waiting)
}
