package main

import "sync"

// broken is a letter with the bug: Poll checks, then stores.
type broken struct {
	mu      sync.Mutex
	arrived bool  // guarded by mu
	waker   Waker // guarded by mu
}

func (l *broken) Poll(cx *Context) (struct{}, bool) {
	l.mu.Lock()
	arrived := l.arrived
	l.mu.Unlock()
	if !arrived {
		l.mu.Lock()
		l.waker = cx.Waker()
		l.mu.Unlock()
	}
	return struct{}{}, arrived
}

func (l *broken) post() {
	l.mu.Lock()
	l.arrived = true
	w := l.waker
	l.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}

// repaired is the same letter, with one lock around both.
type repaired struct {
	mu      sync.Mutex
	arrived bool  // guarded by mu
	waker   Waker // guarded by mu
}

func (l *repaired) Poll(cx *Context) (struct{}, bool) {
	l.mu.Lock()
	arrived := l.arrived
	l.waker = cx.Waker()
	l.mu.Unlock()
	return struct{}{}, arrived
}

func (l *repaired) post() {
	l.mu.Lock()
	l.arrived = true
	w := l.waker
	l.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}
