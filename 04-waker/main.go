// Command 04-waker polls when something calls Wake, whatever that is.
package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// letter is a future whose value comes from a goroutine, not from a descriptor.
type letter struct {
	mu      sync.Mutex
	arrived bool  // guarded by mu
	waker   Waker // guarded by mu; the one of the latest poll
}

func (l *letter) Poll(cx *Context) (struct{}, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waker = cx.Waker() // under the lock: a post between look and store would wake nothing
	return struct{}{}, l.arrived
}

// post is called by an ordinary goroutine.
func (l *letter) post() {
	l.mu.Lock()
	l.arrived = true
	w := l.waker
	l.mu.Unlock()
	if w != nil {
		w.Wake() // after Unlock, because the poll that follows takes the lock
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "04-waker:", err)
		os.Exit(1)
	}
}

func main() {
	addr, stop, err := startDelayServer()
	check(err)
	defer stop()
	r, err := NewReactor()
	check(err)
	defer r.Close()
	l, start := new(letter), time.Now()
	time.AfterFunc(50*time.Millisecond, l.post)
	BlockOn(r, l)
	fmt.Printf("A letter came after 50ms. It was noticed after %dms: its goroutine called Wake.\n"+
		"No descriptor was ready, so chapter 03 would sleep forever.\n\n", time.Since(start).Milliseconds())

	start, polls := time.Now(), 0
	BlockOn(r, Counted(Sleep(100*time.Millisecond), &polls))
	fmt.Printf("A Sleep of 100ms took %dms and %d polls.\n\n", time.Since(start).Milliseconds(), polls)

	fmt.Println("But a wake doesn't say which future it's for, so all of them are polled. (Also, each\n" +
		"event now crosses from one thread to another. Chapter 06 measures what that costs.)")
	block := func(gets []Future[Response]) []Response { return BlockOn(r, JoinAll(gets...)) }
	check(runWorkload(addr, 10, block))
}
