// want: Wake was called before Park
package main

import "sync"

// Parker puts one goroutine to sleep until somebody calls Wake.
type Parker struct {
	mu    sync.Mutex
	awake *sync.Cond
}

func NewParker() *Parker {
	p := new(Parker)
	p.awake = sync.NewCond(&p.mu)
	return p
}

func (p *Parker) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awake.Wait()
}

func (p *Parker) Wake() { p.awake.Signal() }
