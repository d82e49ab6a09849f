// want: sleeps on after a Wake of its own Parker
package main

import "sync"

// mu guards the tokens of all parkers, and changed is signalled when one of
// them is left.
var (
	mu      sync.Mutex
	changed = sync.NewCond(&mu)
)

// Parker puts one goroutine to sleep until another one calls Wake. It's a Waker.
type Parker struct {
	token bool // guarded by mu
}

func NewParker() *Parker { return &Parker{} }

// Park sleeps until there's a token, and takes it.
func (p *Parker) Park() {
	mu.Lock()
	defer mu.Unlock()
	for !p.token {
		changed.Wait()
	}
	p.token = false
}

// Wake leaves a token, unless there's one already.
func (p *Parker) Wake() {
	mu.Lock()
	defer mu.Unlock()
	p.token = true
	changed.Signal()
}
