// want: sleep by the clock
package main

import (
	"sync/atomic"
	"time"
)

// Parker puts one goroutine to sleep until somebody calls Wake.
type Parker struct {
	token atomic.Bool
}

func NewParker() *Parker { return new(Parker) }

func (p *Parker) Park() {
	for !p.token.CompareAndSwap(true, false) {
		time.Sleep(time.Millisecond)
	}
}

func (p *Parker) Wake() { p.token.Store(true) }
