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
	l.waker = cx.Waker() // under the lock of the look: a post between a look and a store would wake nothing
	return struct{}{}, l.arrived
}

// post is called by an ordinary goroutine.
func (l *letter) post() {
	l.mu.Lock()
	l.arrived = true
	w := l.waker
	l.mu.Unlock()
	if w != nil {
		w.Wake() // after Unlock: Wake may poll l at once
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "04-waker:", err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./04-waker (it takes no arguments)")
		if arg := os.Args[1]; arg == "-h" || arg == "--help" || arg == "help" {
			return
		}
		os.Exit(2)
	}
	addr, stop := startDelayServer()
	defer stop()
	r, err := NewReactor()
	check(err)
	defer r.Close()
	l, start := new(letter), time.Now()
	time.AfterFunc(50*time.Millisecond, l.post)
	BlockOn(r, l)
	fmt.Printf("A letter came after 50ms. It was noticed after %dms: the goroutine that brought it called Wake.\n"+
		"No descriptor was ready, so chapter 03 would sleep forever.\n\n", time.Since(start).Milliseconds())

	start, polls := time.Now(), 0
	BlockOn(r, Counted(Sleep(100*time.Millisecond), &polls))
	fmt.Printf("A Sleep of 100ms took %dms and %d polls.\n\n", time.Since(start).Milliseconds(), polls)

	polls = runWorkload(addr, 10, func(gets []Future[Response]) []Response { return BlockOn(r, JoinAll(gets...)) })
	fmt.Printf("%d polls, about as in chapter 03: the wake doesn't say which request it is for.\n"+
		"In chapter 05, each request is a task with a waker of its own.\n", polls)
}
