package main

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	token chan struct{} // holds at most one token, which says "poll again"
}

func NewParker() *Parker { return &Parker{token: make(chan struct{}, 1)} }

// Park sleeps until there is a token, and takes it. A wake that came before Park has
// left its token. Without it, that wake would be lost, and Park would never return.
func (p *Parker) Park() { <-p.token }

// Wake leaves a token. If one is there already, a second one would say nothing
// new, because one poll looks at everything that has happened before it.
func (p *Parker) Wake() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}
