// want: round and round
package main

import (
	"runtime"
	"sync"
)

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	mu    sync.Mutex
	awake *sync.Cond // of mu
	token bool       // guarded by mu
}

func NewParker() *Parker {
	p := new(Parker)
	p.awake = sync.NewCond(&p.mu)
	return p
}

// Park sleeps until there's a token, and takes it.
func (p *Parker) Park() {
	for {
		p.mu.Lock()
		token := p.token
		p.token = false
		p.mu.Unlock()
		if token {
			return
		}
		runtime.Gosched()
	}
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = true
	p.awake.Signal()
}
