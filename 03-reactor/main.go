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
	arrived atomic.Bool
	noticed time.Time
}

func (l *letter) Poll(*Context) (Response, bool) {
	if !l.arrived.Load() {
		return Response{}, false // This breaks rule 2: nothing will cause another poll.
	}
	l.noticed = time.Now()
	return Response{Body: "hello"}, true
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "03-reactor:", err)
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
	time.AfterFunc(50*time.Millisecond, func() { l.arrived.Store(true) })
	BlockOn(r, JoinAll[Response](l, HTTPGet(addr, "/300/hello")))
	fmt.Printf("A letter came after 50ms. It was noticed after %v, by luck: a descriptor was\n"+
		"ready then. Without one, BlockOn would sleep forever.\n\n", l.noticed.Sub(start).Round(time.Millisecond))

	fmt.Println("Every event polls every request that still waits: N + (N-1) + ... + 1 polls for\n" +
		"N answers, about N*N/2, or less if answers share a round. Each request also has\n" +
		"an event before its answer, when it's connected and can be sent.")
	block := func(gets []Future[Response]) []Response { return BlockOn(r, JoinAll(gets...)) }
	for _, n := range []int{1, 100, 10} {
		check(runWorkload(addr, n, block))
	}
}
