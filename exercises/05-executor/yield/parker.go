package main

// Parker puts one goroutine to sleep until somebody calls Wake. It is a Waker,
// and what Rust's thread::park and unpark are.
type Parker struct {
	token chan struct{} // holds one token: "you have been woken"
}

func NewParker() *Parker { return &Parker{token: make(chan struct{}, 1)} }

// Park takes the token, and sleeps until there is one. A wake that came before
// left its token, so this Park returns at once. With a bare signal instead of
// a token it would sleep for ever, as the wake is over and does not come again.
func (p *Parker) Park() { <-p.token }

// Wake leaves the token unless it is there: many wakes before a Park are one.
func (p *Parker) Wake() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}
