// want: goes round and round for a while
package main

import "sync"

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
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < 30 && !p.token; i++ {
		p.mu.Unlock() // the wake may be near
		p.mu.Lock()
	}
	for !p.token {
		p.awake.Wait() // unlocks and sleeps, with no gap in between
	}
	p.token = false
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = true
	p.awake.Signal()
}
