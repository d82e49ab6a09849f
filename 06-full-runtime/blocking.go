package main

import (
	"sync"
)

// Call is the future that Blocking makes.
type Call[T any] struct {
	f       func() T
	started bool
	taken   bool

	mu    sync.Mutex
	done  bool        // guarded by mu
	value T           // guarded by mu
	fault *PanicError // guarded by mu
	waker Waker       // guarded by mu: of the latest poll
}

// Blocking calls f on a goroutine of its own, at the first Poll, for what has
// no future: name look-up, files. It is ready when f has returned. An abandoned
// call runs on, and its result is dropped.
func Blocking[T any](f func() T) *Call[T] { return &Call[T]{f: f} }

func (c *Call[T]) Poll(cx *Context) (value T, ready bool) {
	if c.taken {
		panic("Blocking polled after it finished")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started {
		c.started = true
		rt := cx.task.runtime
		rt.countBlocking(1)
		go c.run(rt)
	}
	if c.taken = c.done; !c.done {
		c.waker = cx.Waker()
		return value, false
	}
	if c.fault != nil {
		panic(c.fault)
	}
	return c.value, true
}

// run is the goroutine. Its deferred part also runs if f panics or calls
// runtime.Goexit; either becomes the fault of the task that waits.
func (c *Call[T]) run(rt *Runtime) {
	returned := false
	var value T
	defer func() {
		var fault *PanicError
		if v := recover(); !returned {
			fault = asPanicError(v)
		}
		rt.countBlocking(-1) // before anybody sees the value
		c.mu.Lock()
		c.value, c.fault, c.done = value, fault, true
		w := c.waker
		c.mu.Unlock()
		if w != nil {
			w.Wake()
		}
	}()
	value = c.f()
	returned = true
}

// Close drops the result. The call itself cannot be stopped.
func (c *Call[T]) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken, c.waker = true, nil
	return nil
}

func (rt *Runtime) countBlocking(n int) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.blocking += n
}
