// want: Each Park needs a Wake of its own
package main

import "sync"

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	mu    sync.Mutex
	bell  *sync.Cond // of mu
	token bool       // guarded by mu
}

func NewParker() *Parker {
	p := new(Parker)
	p.bell = sync.NewCond(&p.mu)
	return p
}

// Park sleeps until there's a token, and takes it.
func (p *Parker) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.token { // in Go, Wait doesn't return without a signal
		p.bell.Wait()
	}
	p.token = false
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.mu.Lock()
	p.token = true
	p.mu.Unlock()
	p.bell.Signal()
}
