// want: imports "context"
package main

import (
	"context"
	"sync"
)

// There's a channel in it, behind Done.
type Parker struct {
	mu    sync.Mutex
	token context.Context
	leave context.CancelFunc
}

func NewParker() *Parker {
	p := new(Parker)
	p.token, p.leave = context.WithCancel(context.Background())
	return p
}

func (p *Parker) Park() {
	p.mu.Lock()
	token := p.token
	p.mu.Unlock()
	<-token.Done()
	p.mu.Lock()
	p.token, p.leave = context.WithCancel(context.Background())
	p.mu.Unlock()
}

func (p *Parker) Wake() {
	p.mu.Lock()
	p.leave()
	p.mu.Unlock()
}
