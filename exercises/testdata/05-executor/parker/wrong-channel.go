// want: has a channel
package main

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	token chan struct{}
}

func NewParker() *Parker {
	return &Parker{make(chan struct{}, 1)}
}

// Park sleeps until there's a token, and takes it.
func (p *Parker) Park() {
	<-p.token
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}
