// Command 03-reactor polls only when the kernel says that something has happened.
package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// letter is a future whose value comes from a goroutine, not from a descriptor.
type letter struct {
	arrived  atomic.Bool
	lastPoll time.Time
}

func (l *letter) Poll(*Context) (Response, bool) {
	l.lastPoll = time.Now()
	return Response{}, l.arrived.Load() // false breaks rule 2: nothing will cause another poll
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "03-reactor:", err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./03-reactor (it takes no arguments)")
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
	block := func(gets []Future[Response]) []Response { return BlockOn(r, JoinAll(gets...)) }
	fmt.Println("An event polls every request that still waits, not only the one it's for:")
	one := 0
	check(BlockOn(r, Counted(HTTPGet(addr, "/100/hello"), &one)).Err)
	ten, hundred := runWorkload(addr, 10, block), runWorkload(addr, 100, block)
	fmt.Printf("1 → %d polls, 10 → %d, 100 → %d: ten times the requests, %d times the polls.\n\n",
		one, ten, hundred, hundred/ten)

	l, start := new(letter), time.Now()
	time.AfterFunc(50*time.Millisecond, func() { l.arrived.Store(true) })
	check(BlockOn(r, JoinAll[Response](l, HTTPGet(addr, "/300/hello")))[1].Err)
	fmt.Printf("A letter came after 50ms. It was noticed after %dms, by luck: a descriptor was\n"+
		"ready then. Without one, BlockOn would sleep forever.\n\n"+
		"How can something that has no descriptor wake us? That's chapter 04.\n", l.lastPoll.Sub(start).Milliseconds())
}
