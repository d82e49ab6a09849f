// Command 02-blocking-poll runs futures by asking them all the time.
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

// rude breaks the rule: its Poll asks until the value is there. Nobody abandons it.
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
	one := BlockOn(Counted[Response]{NewHTTPGet(addr, "/100/hello"), &polls})
	check(one.Err)
	fmt.Printf("One request, asked in a loop: %d %q after %d polls\n", one.Status, one.Body, polls)

	fmt.Print("\nTen requests at once, answered after 50, 100, ... 500 ms:\n  ")
	check(scoreboard(addr, 10, loop))
	fmt.Print("\nThe same with a nap of 10 ms between rounds. An answer waits up to 10 ms:\n  ")
	check(scoreboard(addr, 10, nap))
	fmt.Print("\nThe same when one blocks in its Poll: 500 ms for it, then 450 for the nine that froze:\n  ")
	check(scoreboard(addr, 10, block))
}
