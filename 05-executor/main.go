// Command 05-executor polls only the tasks that have been woken.
//
// With arguments HOST:PORT/PATH it fetches those instead.
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
	if value, ready = i.future.Poll(cx); ready {
		*i.to = value
	}
	return value, ready
}

func (i into[T]) Close() error { return Close(i.future) }

// runTasks makes every request a task of its own.
func runTasks(r *Reactor, gets []Future[Response]) []Response {
	e, responses := NewExecutor(r), make([]Response, len(gets))
	for i, get := range gets {
		Spawn(e, into[Response]{get, &responses[i]})
	}
	e.Run()
	return responses
}

func demonstrate(r *Reactor) error {
	addr, stop, err := startDelayServer()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Println("One task, step by step:")
	if err := narrate(r); err != nil {
		return err
	}
	fmt.Println("\nA wake now says who: only that task is polled. Ten tasks, then a thousand:")
	for _, n := range []int{10, 1000} {
		err := scoreboard(addr, n, func(gets []Future[Response]) []Response { return runTasks(r, gets) })
		if err != nil {
			return err
		}
	}
	return nil
}

func run(args []string) (status int) {
	r, err := NewReactor()
	if err == nil && len(args) > 0 {
		defer r.Close()
		return fetch(r, args)
	}
	if err == nil {
		defer r.Close()
		err = demonstrate(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "05-executor:", err)
		return 1
	}
	return 0
}

func main() { os.Exit(run(os.Args[1:])) }
