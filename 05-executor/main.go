// Command 05-executor polls only woken tasks. Its arguments are HOST:PORT/PATH.
package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// storeResult keeps the value of a future in *to. The task itself would drop it.
type storeResult[T any] struct {
	future Future[T]
	to     *T
}

func (s storeResult[T]) Poll(cx *Context) (value T, ready bool) {
	*s.to, ready = s.future.Poll(cx)
	return *s.to, ready
}

func (s storeResult[T]) Close() error { return Close(s.future) }

// runTasks makes each request a task of its own.
func runTasks(r *Reactor, gets []Future[Response]) []Response {
	e, responses := NewExecutor(r), make([]Response, len(gets))
	for i, get := range gets {
		Spawn(e, storeResult[Response]{get, &responses[i]})
	}
	e.Run()
	return responses
}

// fetch requests all targets at once, prints a line for each, in their order, and returns the exit status.
func fetch(r *Reactor, targets []string) (status int) {
	gets, polls := make([]Future[Response], len(targets)), make([]int, len(targets))
	for i, target := range targets {
		hostPort, path, _ := strings.Cut(target, "/")
		addr, err := netip.ParseAddrPort(hostPort)
		if err != nil || addr.Addr().Zone() != "" {
			fmt.Fprintf(os.Stderr, "05-executor: %q is not HOST:PORT/PATH with a numeric address; names come in chapter 06\n", target)
			return 2
		}
		gets[i] = Counted(HTTPGet(addr, "/"+path), &polls[i])
	}
	time.Sleep(time.Nanosecond) // lets Go open its poller for timers: later no descriptor may be free, and it would die
	for i, got := range runTasks(r, gets) {
		if got.Err != nil {
			fmt.Fprintln(os.Stderr, "05-executor:", got.Err)
			status = 1
			continue
		}
		fmt.Printf("%d %8d bytes %3d polls  %s\n", got.Status, len(got.Body), polls[i], targets[i])
	}
	return status
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
		if arg := os.Args[1]; arg == "-h" || arg == "--help" || arg == "help" {
			fmt.Println("usage: go run ./05-executor [HOST:PORT/PATH ...]")
			return
		}
		os.Exit(fetch(r, os.Args[1:]))
	}
	addr, stop := startDelayServer()
	defer stop()
	fmt.Println("One task, step by step:")
	narrate(r)
	fmt.Println("\nA wake is for one task, so only that task is polled: about 3 polls per request.")
	run := func(gets []Future[Response]) []Response { return runTasks(r, gets) }
	runWorkload(addr, 10, run)
	runWorkload(addr, 1000, run)
	fmt.Println("\nWhat's missing are results, timeouts and a way to cancel: chapter 06 has them.")
}
