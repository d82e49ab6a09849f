package main

import "sync"

// Blocking calls f on a goroutine of its own, at the first Poll. It's for what
// has no future, such as name lookups and files, and ready when f has returned.
// An abandoned call runs on, and then its value is closed.
func Blocking[T any](f func() T) Future[T] { return &blocking[T]{f: f} }

type blocking[T any] struct {
	f        func() T
	report   func(error) // of the runtime's trace; nil before the first Poll
	finished bool        // Poll has returned true, or Close was called

	mu        sync.Mutex
	done      bool        // guarded by mu
	value     T           // guarded by mu
	fault     *PanicError // guarded by mu
	waker     Waker       // guarded by mu: of the latest poll
	abandoned bool        // guarded by mu
}

func (b *blocking[T]) Poll(cx *Context) (value T, ready bool) {
	if b.finished {
		panic("Blocking polled after it finished")
	}
	if b.report == nil {
		rt := cx.task.runtime
		b.report = rt.Trace.reporter()
		rt.countBlocking(1)
		go b.run(rt)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done {
		b.waker = cx.Waker()
		cx.waitsFor("a blocking call")
		return value, false
	}
	b.finished = true
	if b.fault != nil {
		panic(b.fault)
	}
	return b.value, true
}

// run is the goroutine. Its deferred part also runs if f panics or calls
// runtime.Goexit. Either becomes a panic of the task that waits.
func (b *blocking[T]) run(rt *Runtime) {
	var value T
	returned := false
	defer func() {
		var fault *PanicError
		if !returned {
			fault = asPanicError(recover())
		}
		rt.countBlocking(-1) // before the task can see the value
		b.mu.Lock()
		b.value, b.fault, b.done = value, fault, true
		waker, abandoned := b.waker, b.abandoned
		b.mu.Unlock()
		if abandoned {
			b.discard()
		} else if waker != nil {
			waker.Wake()
		}
	}()
	value = b.f()
	returned = true
}

// Close abandons the call. The call itself can't be stopped.
func (b *blocking[T]) Close() error {
	if b.finished {
		return nil
	}
	b.finished = true
	b.mu.Lock()
	b.abandoned, b.waker = true, nil
	done := b.done
	b.mu.Unlock()
	if done {
		b.discard()
	}
	return nil
}

// discard closes a value that has no receiver. It may run on the goroutine of
// the call, where a panic would end the process.
func (b *blocking[T]) discard() {
	defer func() {
		if v := recover(); v != nil {
			b.fault = asPanicError(v)
		}
		if b.fault != nil {
			b.fault.report(b.report)
		}
	}()
	closeValue(b.value)
}

func (rt *Runtime) countBlocking(n int) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.blocking += n
}
