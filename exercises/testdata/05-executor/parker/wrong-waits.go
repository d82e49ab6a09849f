// want: a second Wake waits
package main

// Parker puts one goroutine to sleep until somebody calls Wake.
type Parker struct {
	token chan struct{}
}

func NewParker() *Parker { return &Parker{token: make(chan struct{}, 1)} }

func (p *Parker) Park() { <-p.token }

func (p *Parker) Wake() { p.token <- struct{}{} }
