package main

// Parker is a Waker. Park, always called by the same goroutine, sleeps until a Wake.
type Parker struct {
	token chan struct{} // holds at most one token, which says "poll again"
}

func NewParker() *Parker { return &Parker{token: make(chan struct{}, 1)} }

// Park sleeps until there is a token, and takes it. A wake before Park leaves one, so
// Park returns at once. If such a wake left nothing, it would be lost.
func (p *Parker) Park() { <-p.token }

// Wake leaves a token. If one is there already, a second one would say nothing
// new, because one poll looks at everything that has happened before it.
func (p *Parker) Wake() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}
