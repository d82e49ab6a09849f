package main

// waitList is a queue of futures that wait for a turn, first in, first out. A
// turn is handed to one future, and nothing that comes later can overtake it. If
// that future is closed before it looks, the turn goes to the next one.
type waitList struct {
	first, last *waiter
	turns       int // handed over to futures that haven't looked yet
}

// waiter is a future's place in a waitList.
type waiter struct {
	waker      Waker
	prev, next *waiter
	state      waiterState
}

// notWaiting ──► waiting ──► hasTurn ──► notWaiting. If a turn is free, it doesn't wait.
type waiterState uint8

const (
	notWaiting waiterState = iota
	waiting
	hasTurn
)

// takeTurn reports whether w has a turn, and takes it. There are so many free
// ones, of which some are handed over already. If w has none, it waits for one.
func (l *waitList) takeTurn(w *waiter, free int, cx *Context) bool {
	switch {
	case w.state == hasTurn:
		l.turns--
		w.state = notWaiting
		return true
	case w.state == notWaiting && free > l.turns:
		return cx.takeBudget()
	case w.state == notWaiting:
		w.state, w.prev = waiting, l.last
		if l.last == nil {
			l.first = w
		} else {
			l.last.next = w
		}
		l.last = w
	}
	w.waker = cx.waker
	return false
}

// passTurn hands a turn that has become free to the first future, if any waits.
func (l *waitList) passTurn() {
	if w := l.first; w != nil {
		l.remove(w)
		w.state = hasTurn
		l.turns++
		wakeLocal(w.waker)
	}
}

// leave is for a future that is closed.
func (l *waitList) leave(w *waiter) {
	switch w.state {
	case waiting:
		l.remove(w)
	case hasTurn:
		w.state = notWaiting
		l.turns--
		l.passTurn()
	}
}

// wakeAll makes all that wait look again at what they wait for.
func (l *waitList) wakeAll() {
	for w := l.first; w != nil; w = l.first {
		l.remove(w)
		wakeLocal(w.waker)
	}
}

func (l *waitList) remove(w *waiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.state = nil, nil, notWaiting
}
