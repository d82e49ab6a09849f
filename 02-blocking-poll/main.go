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
	addr, stop, err := startDelayServer()
	check(err)
	defer stop()
	polls := 0
	one := BlockOn(Counted(HTTPGet(addr, "/100/hello"), &polls))
	check(one.Err)
	fmt.Printf("One request, polled in a loop: %d %q after %d polls\n", one.Status, one.Body, polls)

	fmt.Print("\nTen requests at once, answered after 50, 100, ... 500 ms:\n  ")
	check(runWorkload(addr, 10, loop))
	fmt.Print("\nThe same with a nap of 10 ms between rounds, so an answer may wait 10 ms:\n  ")
	check(runWorkload(addr, 10, nap))
	fmt.Print("\nThe same with one that blocks in Poll: 500 ms for it, then 450 ms for the nine it froze:\n  ")
	check(runWorkload(addr, 10, block))
}
