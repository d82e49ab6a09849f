// Command 04-waker polls when somebody says so, whoever that is.
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
	waker   Waker // guarded by mu: of the latest poll
	noticed time.Time
}

func (l *letter) Poll(cx *Context) (Response, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waker = cx.Waker() // under the lock: between check and store, post would wake nobody
	if !l.arrived {
		return Response{}, false
	}
	l.noticed = time.Now()
	return Response{Body: "hello"}, true
}

// post is called by an ordinary goroutine. It releases, then wakes: the woken
// may want the lock at once.
func (l *letter) post() {
	l.mu.Lock()
	l.arrived = true
	w := l.waker
	l.mu.Unlock()
	if w != nil {
		w.Wake()
	}
}

func run() error {
	addr, stop, err := startDelayServer()
	if err != nil {
		return err
	}
	defer stop()
	r, err := NewReactor()
	if err != nil {
		return err
	}
	defer r.Close()

	l, start := new(letter), time.Now()
	time.AfterFunc(50*time.Millisecond, l.post)
	BlockOn(r, JoinAll[Response](l, NewHTTPGet(addr, "/300/hello")))
	fmt.Printf("A letter came after 50ms. It was noticed after %v: its goroutine called Wake.\n",
		l.noticed.Sub(start).Round(time.Millisecond))

	start, polls := time.Now(), 0
	BlockOn(r, Counted[struct{}]{NewSleep(100 * time.Millisecond), &polls})
	fmt.Printf("A Sleep of 100ms took %v and %d polls, with no descriptor at all.\n\n",
		time.Since(start).Round(time.Millisecond), polls)

	fmt.Println("But a wake says \"somebody\", so everybody is still asked. And every event\n" +
		"now crosses from one thread to another: see the switches.")
	return scoreboard(addr, 10, func(gets []Future[Response]) []Response { return BlockOn(r, JoinAll(gets...)) })
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "04-waker:", err)
		os.Exit(1)
	}
}
