// want: wakes leave one
package main

import "sync"

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	mu     sync.Mutex
	awake  *sync.Cond // of mu
	tokens int        // guarded by mu
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
	for p.tokens == 0 {
		p.awake.Wait()
	}
	p.tokens--
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens++
	p.awake.Signal()
}
