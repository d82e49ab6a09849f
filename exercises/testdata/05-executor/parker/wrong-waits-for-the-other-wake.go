// want: a Wake sleeps
package main

import "sync"

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	mu    sync.Mutex
	bell  *sync.Cond // of mu
	token bool       // guarded by mu
	sleep bool       // guarded by mu; a goroutine is in Wait
	up    *sync.Cond // of mu; the sleeper has taken the token
}

func NewParker() *Parker {
	p := new(Parker)
	p.bell, p.up = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	return p
}

// Park sleeps until there's a token, and takes it.
func (p *Parker) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.token {
		p.sleep = true
		p.bell.Wait()
	}
	p.token, p.sleep = false, false
	p.up.Broadcast()
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.mu.Lock()
	for p.token && p.sleep { // another wake is waking it; this one is for the next Park
		p.up.Wait()
	}
	p.token = true
	p.mu.Unlock()
	p.bell.Signal()
}
