package main

import "sync"

// letter is a future whose value comes from another goroutine.
type letter struct {
	mu      sync.Mutex
	arrived bool  // guarded by mu
	waker   Waker // guarded by mu: of the latest poll
}

func (l *letter) Poll(cx *Context) (struct{}, bool) {
	w := cx.Waker()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waker = w
	return struct{}{}, l.arrived
}

// post is called by any goroutine.
func (l *letter) post() {
	l.mu.Lock()
	l.arrived = true
	w := l.waker
	l.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}

// announced is a future that says when it has been polled for the first time.
type announced struct {
	Future[struct{}]
	polled chan struct{} // closed then
}

func announce(f Future[struct{}]) announced { return announced{f, make(chan struct{})} }

func (a announced) Poll(cx *Context) (struct{}, bool) {
	value, ready := a.Future.Poll(cx)
	select {
	case <-a.polled:
	default:
		close(a.polled)
	}
	return value, ready
}

func (a announced) Close() error { return Close(a.Future) }

// noted is a future that notes when it is ready.
type noted struct {
	Future[struct{}]
	name  string
	order *[]string
}

func (n noted) Poll(cx *Context) (struct{}, bool) {
	_, ready := n.Future.Poll(cx)
	if ready {
		*n.order = append(*n.order, n.name)
	}
	return struct{}{}, ready
}

func (n noted) Close() error { return Close(n.Future) }
