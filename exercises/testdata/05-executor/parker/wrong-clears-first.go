// want: Wake was called before Park
package main

// Parker puts one goroutine to sleep until somebody calls Wake.
type Parker struct {
	token chan struct{}
}

func NewParker() *Parker { return &Parker{token: make(chan struct{}, 1)} }

// Park throws an old token away, so as not to be misled by it.
func (p *Parker) Park() {
	select {
	case <-p.token:
	default:
	}
	<-p.token
}

func (p *Parker) Wake() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}
