package main

// Parker puts one goroutine to sleep until somebody calls Wake. It is a Waker,
// and what Rust's thread::park and unpark are.
type Parker struct{}

func NewParker() *Parker { return &Parker{} }

// Park takes the token, and sleeps until there is one. It is yours to write.
func (p *Parker) Park() {} // not started

// Wake leaves the token unless it is there. It is yours to write.
func (p *Parker) Wake() {}
