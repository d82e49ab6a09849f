// want: want an Err with "(1507|1m30s)" in it

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

var errEndedGoroutine = errors.New("the function has ended its goroutine")

// Pool runs functions that block on goroutines of their own, a few at a time.
type Pool struct {
	n     int
	mu    sync.Locker
	start func(f func())

	running int     // places that are taken
	queue   []*call // those that wait for one
}

// NewPool makes a pool that runs n functions at a time. start runs f on a new
// goroutine, and returns at once. The pool uses mu, which isn't locked.
func NewPool(n int, mu sync.Locker, start func(f func())) *Pool {
	return &Pool{n: n, mu: mu, start: start}
}

// Call is ready when f, which may block, has returned.
func (p *Pool) Call(f func() string) Future[Result] { return &call{pool: p, f: f} }

// The life of a call.
const (
	callFresh = iota
	callWaiting
	callRunning
	callReturned
	callOver // seen, or closed
)

type call struct {
	pool *Pool
	f    func() string

	state  int
	waker  Waker
	result Result
}

func (c *call) Poll(cx *Context) (Result, bool) {
	p := c.pool
	p.mu.Lock()
	if c.state == callReturned {
		c.state = callOver
		result := c.result
		p.mu.Unlock()
		return result, true
	}
	c.waker = cx.Waker()
	begins := false
	if c.state == callFresh {
		if p.running < p.n {
			p.running++
			c.state = callRunning
			begins = true
		} else {
			c.state = callWaiting
			p.queue = append(p.queue, c)
		}
	}
	p.mu.Unlock()
	if begins {
		p.start(c.run)
	}
	return Result{}, false
}

// run is the goroutine of a call.
func (c *call) run() {
	result := Result{Err: errEndedGoroutine}
	defer func() {
		if v := recover(); v != nil {
			result = Result{Err: errorOfPanic(v)}
		}
		c.end(result)
	}()
	result = Result{Value: c.f()}
}

// errorOfPanic makes an error of a panic.
func errorOfPanic(v any) error {
	switch v := v.(type) {
	case error:
		return fmt.Errorf("the function has panicked: %w", v)
	case string:
		return errors.New("the function has panicked: " + v)
	default:
		return errors.New("the function has panicked")
	}
}

// end is called when the function has ended, however that was. The next one gets
// its place.
func (c *call) end(result Result) {
	p := c.pool
	var waker Waker
	var next *call
	p.mu.Lock()
	if c.state == callRunning { // and not closed
		c.state = callReturned
		c.result = result
		waker = c.waker
	}
	if len(p.queue) > 0 {
		next = p.queue[0]
		p.queue = p.queue[1:]
		next.state = callRunning
	} else {
		p.running--
	}
	p.mu.Unlock()
	if next != nil {
		p.start(next.run)
	}
	if waker != nil {
		waker.Wake()
	}
}

func (c *call) Close() error {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch c.state {
	case callWaiting:
		i := slices.Index(p.queue, c)
		p.queue = slices.Delete(p.queue, i, i+1)
		c.state = callOver
	case callRunning:
		c.state = callOver
	}
	return nil
}
