// Command 05-executor polls only the tasks that have been woken. With arguments
// HOST:PORT/PATH it fetches those instead.
package main

import (
	"fmt"
	"os"
)

// into keeps the value of a future, which its task throws away.
type into[T any] struct {
	future Future[T]
	to     *T
}

func (i into[T]) Poll(cx *Context) (value T, ready bool) {
	*i.to, ready = i.future.Poll(cx)
	return *i.to, ready
}

// runTasks makes every request a task of its own.
func runTasks(r *Reactor, gets []Future[Response]) []Response {
	e, responses := NewExecutor(r), make([]Response, len(gets))
	for i, get := range gets {
		Spawn(e, into[Response]{get, &responses[i]})
	}
	e.Run()
	return responses
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "05-executor:", err)
		os.Exit(1)
	}
}

func main() {
	r, err := NewReactor()
	check(err)
	defer r.Close()
	if len(os.Args) > 1 {
		os.Exit(fetch(r, os.Args[1:]))
	}
	addr, stop, err := startDelayServer()
	check(err)
	defer stop()
	fmt.Println("One task, step by step:")
	check(narrate(r))
	fmt.Println("\nA wake now says who, and only that task is polled: about 3 times, be they ten or a thousand.")
	run := func(gets []Future[Response]) []Response { return runTasks(r, gets) }
	check(scoreboard(addr, 10, run))
	check(scoreboard(addr, 1000, run))
}
