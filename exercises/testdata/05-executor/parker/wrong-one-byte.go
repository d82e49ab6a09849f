// want: Wake was called 256 times before Park, and Park sleeps
package main

import "sync"

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	mu    sync.Mutex
	awake *sync.Cond // of mu
	wakes uint8      // guarded by mu
	seen  uint8      // guarded by mu
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
	for p.wakes == p.seen {
		p.awake.Wait() // unlocks and sleeps, with no gap in between
	}
	p.seen = p.wakes
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakes++
	p.awake.Signal()
}
