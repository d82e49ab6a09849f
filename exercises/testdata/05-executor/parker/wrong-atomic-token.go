// want: sleeps in parker.go
package main

import (
	"sync"
	"sync/atomic"
)

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	mu    sync.Mutex
	awake *sync.Cond // of mu
	token atomic.Bool
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
	for !p.token.CompareAndSwap(true, false) {
		p.awake.Wait() // unlocks and sleeps, with no gap in between
	}
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.token.Store(true)
	p.awake.Signal()
}
