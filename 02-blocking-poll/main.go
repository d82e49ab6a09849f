// Command 02-blocking-poll runs futures by polling them all the time.
package main

import (
	"fmt"
	"os"
	"time"
)

func loop(gets []Future[Response]) []Response { return BlockOn(JoinAll(gets...)) }

func nap(gets []Future[Response]) []Response {
	for all := JoinAll(gets...); ; time.Sleep(10 * time.Millisecond) {
		if responses, ready := all.Poll(new(Context)); ready {
			return responses
		}
	}
}

// rude breaks rule 1: its Poll blocks. main abandons none, so it has no Close.
type rude struct{ Future[Response] }

func (r rude) Poll(*Context) (Response, bool) { return BlockOn(r.Future), true }

func block(gets []Future[Response]) []Response {
	last := len(gets) - 1
	gets[0], gets[last] = rude{gets[last]}, gets[0]
	return loop(gets)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "02-blocking-poll:", err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./02-blocking-poll (it takes no arguments)")
		if arg := os.Args[1]; arg == "-h" || arg == "--help" || arg == "help" {
			return
		}
		os.Exit(2)
	}
	addr, stop := startDelayServer()
	defer stop()
	fmt.Println("Ten requests at once, answered after 50, 100, ... 500 ms:")
	start, before := time.Now(), cpuTime()
	polls := runWorkload(addr, 10, loop)
	busy := min(100, 100*(cpuTime()-before)/time.Since(start))
	fmt.Printf("Asked %d times, %d of them in vain; one core busy %d %% of the time.\n", polls, polls-10, busy)

	fmt.Println("\nThe same with a nap of 10 ms between rounds, so an answer may wait 10 ms:")
	runWorkload(addr, 10, nap)
	fmt.Println("\nThe same with one that blocks in Poll: 500 ms for it, then 450 ms for the\nnine it froze:")
	runWorkload(addr, 10, block)
	fmt.Println("\nThe nap does not know what it is waiting for. The kernel does.\nChapter 03 asks the kernel.")
}
