package main

import (
	"fmt"
	"sync"
)

// Blocking calls f on a goroutine of its own, from the first Poll on. Nothing limits the
// number of these goroutines. It's for what has no future, such as name lookups and files.
// If the future is closed, the call runs on, and the runtime's goroutine closes its value.
func Blocking[T any](f func() T) Future[T] { return &blocking[T]{f: f} }

type blocking[T any] struct {
	f  func() T
	cx *Context // nil before the first Poll

	mu    sync.Mutex
	done  bool        // guarded by mu: f has ended, with value or fault
	taken bool        // guarded by mu: Poll has returned the value, or Close was called
	waker Waker       // guarded by mu: of the latest poll
	value T           // written before done
	fault *PanicError // written before done
}

func (b *blocking[T]) Poll(cx *Context) (value T, ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	mustBePending(!b.taken, "Blocking")
	if !b.done {
		b.waker = cx.Waker()
		cx.waitsFor("a blocking call")
		if b.cx == nil {
			b.cx = cx
			cx.runtime().blocking.Add(1)
			go b.run()
		}
		return value, false
	}
	b.taken = true
	if b.fault != nil {
		panic(b.fault)
	}
	return b.value, true
}

// run is the goroutine. Its deferred part also runs if f panics or calls
// runtime.Goexit. Either becomes a panic of the task that waits.
func (b *blocking[T]) run() {
	returned := false
	defer func() {
		if !returned {
			b.fault = asPanicError(recover())
		}
		b.cx.runtime().blocking.Add(-1) // first, so a task that has the value finds the call no longer counted
		b.mu.Lock()
		b.done = true
		waker, taken := b.waker, b.taken
		b.mu.Unlock()
		if taken {
			SpawnRemote[error](b.cx.runtime(), (*leftover[T])(b))
		} else {
			waker.Wake()
		}
	}()
	b.value = b.f()
	returned = true
}

// Close abandons the call, which can't be stopped.
func (b *blocking[T]) Close() error {
	b.mu.Lock()
	discard := b.done && !b.taken
	b.taken = true
	b.mu.Unlock()
	if discard {
		return (*leftover[T])(b).Close()
	}
	return nil
}

// leftover is a blocking whose call has ended and that nothing waits for. As a task, it closes
// the value in its Poll. If the runtime is closed by then, SpawnRemote calls Close, which does it.
type leftover[T any] blocking[T]

func (l *leftover[T]) Poll(*Context) (error, bool) { return l.Close(), true }

func (l *leftover[T]) Close() error {
	defer func() {
		if v := recover(); v != nil {
			l.fault = asPanicError(v)
		}
		if l.fault != nil {
			l.cx.report(fmt.Errorf("in a call that nothing waits for: %w\n%s", l.fault, l.fault.Stack))
		}
	}()
	return closeValue(l.value)
}
