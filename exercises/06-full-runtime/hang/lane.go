package main

// Lane is a channel between tasks.
type Lane[T any] struct {
	name      string // of what is in it
	size      int
	values    []T
	closed    bool
	senders   []*Task
	receivers []*Task
}

// NewLane makes a lane with this many places.
func NewLane[T any](name string, size int) *Lane[T] { return &Lane[T]{name: name, size: size} }

// Send waits for a place.
func (l *Lane[T]) Send(t *Task, value T) {
	for len(l.values) == l.size {
		l.senders = append(l.senders, t)
		t.Wait("a place among " + l.name)
	}
	l.values = append(l.values, value)
	wakeFirst(&l.receivers)
}

// Receive waits for a value. It returns false when the lane is closed and empty.
func (l *Lane[T]) Receive(t *Task) (value T, ok bool) {
	for len(l.values) == 0 && !l.closed {
		l.receivers = append(l.receivers, t)
		t.Wait("one of " + l.name)
	}
	if len(l.values) == 0 {
		return value, false
	}
	value, l.values = l.values[0], l.values[1:]
	wakeFirst(&l.senders)
	return value, true
}

// Close says that nothing more will be sent.
func (l *Lane[T]) Close() {
	l.closed = true
	for len(l.receivers) > 0 {
		wakeFirst(&l.receivers)
	}
}

func wakeFirst(tasks *[]*Task) {
	if len(*tasks) > 0 {
		first := (*tasks)[0]
		*tasks = (*tasks)[1:]
		first.Wake()
	}
}
