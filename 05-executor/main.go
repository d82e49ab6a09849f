// Command 05-executor polls only tasks that have been woken. With arguments of
// the form HOST:PORT/PATH, it requests those instead of its own ten.
package main

import (
	"fmt"
	"os"
)

// storeResult stores the value of a future, because a task drops it.
type storeResult[T any] struct {
	future Future[T]
	to     *T
}

func (s storeResult[T]) Poll(cx *Context) (value T, ready bool) {
	*s.to, ready = s.future.Poll(cx)
	return *s.to, ready
}

// runTasks makes each request a task of its own.
func runTasks(r *Reactor, gets []Future[Response]) []Response {
	e, responses := NewExecutor(r), make([]Response, len(gets))
	for i, get := range gets {
		Spawn(e, storeResult[Response]{get, &responses[i]})
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
	fmt.Println("\nNow a wake is for one task, and only that task is polled: about 3 polls for each\n" +
		"request, whether there are ten or a thousand.")
	run := func(gets []Future[Response]) []Response { return runTasks(r, gets) }
	check(runWorkload(addr, 10, run))
	check(runWorkload(addr, 1000, run))
}
