package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Result is what a Call yields.
type Result struct {
	Value string
	Err   error // the function has panicked, or has ended its goroutine
}

// Pool runs functions that block on goroutines of their own, a few at a time.
type Pool struct {
	n       int
	mu      sync.Locker
	start   func(f func())
	running int     // guarded by mu
	queue   []*call // guarded by mu; not empty only if n are running
}

// NewPool makes a pool that runs n functions at a time. start runs f on a new
// goroutine, and returns at once. The pool uses mu, which isn't locked.
func NewPool(n int, mu sync.Locker, start func(f func())) *Pool {
	return &Pool{n: n, mu: mu, start: start}
}

// Call is ready when f, which may block, has returned.
func (p *Pool) Call(f func() string) Future[Result] { return &call{pool: p, f: f} }

type state int

const (
	asking  state = iota // not polled yet
	queued               // waiting for a place
	running              // on a goroutine
	done                 // f has returned, and no poll has seen it
	over                 // a poll has, or the call is closed
)

type call struct {
	pool   *Pool
	f      func() string
	state  state  // guarded by pool.mu
	result Result // guarded by pool.mu
	waker  Waker  // guarded by pool.mu: of the latest poll
}

func (c *call) Poll(cx *Context) (Result, bool) {
	p := c.pool
	p.mu.Lock()
	c.waker = cx.Waker()
	begins := false
	switch c.state {
	case asking:
		if begins = p.running < p.n; begins {
			p.running++
			c.state = running
		} else {
			c.state = queued
			p.queue = append(p.queue, c)
		}
	case done:
		c.state = over
	}
	result, ready := c.result, c.state == over
	p.mu.Unlock()
	if begins {
		p.start(c.run)
	}
	return result, ready
}

// run is a goroutine.
func (c *call) run() {
	result := Result{Err: errors.New("the call has ended its goroutine")}
	defer func() {
		if v := recover(); v != nil {
			result.Err = fmt.Errorf("the call has panicked: %v", v)
		}
		c.pool.end(c, result)
	}()
	result = Result{Value: c.f()}
}

// end hands the place of c to the next call. That of a closed call is given back
// as well, but only now: nothing can stop a function.
func (p *Pool) end(c *call, result Result) {
	p.mu.Lock()
	var waker Waker
	if c.state == running {
		c.state, c.result, waker = done, result, c.waker
	}
	var next *call
	if len(p.queue) > 0 {
		next, p.queue = p.queue[0], p.queue[1:]
		next.state = running
	} else {
		p.running--
	}
	p.mu.Unlock()
	if waker != nil {
		waker.Wake()
	}
	if next != nil {
		p.start(next.run)
	}
}

// Close takes the call out of the queue. If it's running, it runs to its end.
func (c *call) Close() error {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state == queued || c.state == running {
		c.state = over
	}
	p.queue = slices.DeleteFunc(p.queue, func(other *call) bool { return c == other })
	return nil
}
