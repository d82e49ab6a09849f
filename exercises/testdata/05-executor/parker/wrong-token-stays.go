// want: the Park before it has taken the token
package main

import "sync"

// Parker puts one goroutine to sleep until somebody calls Wake.
type Parker struct {
	mu    sync.Mutex
	awake *sync.Cond
	token bool // guarded by mu
}

func NewParker() *Parker {
	p := new(Parker)
	p.awake = sync.NewCond(&p.mu)
	return p
}

func (p *Parker) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.token {
		p.awake.Wait()
	}
}

func (p *Parker) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = true
	p.awake.Signal()
}
