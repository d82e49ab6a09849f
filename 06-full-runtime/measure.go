package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// stopwatch measures what a section of the program takes: time on the clock,
// and time of all processors together.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func startWatch() stopwatch { return stopwatch{time.Now(), cpuTime()} }

// result prints what n times the thing took since startWatch.
func (s stopwatch) result(w io.Writer, kind string, n int) {
	wall, cpu := time.Since(s.wall), cpuTime()-s.cpu
	fmt.Fprintf(w, "RESULT kind=%s n=%d wall_ns=%d cpu_ns=%d wall_per_op=%.1f cpu_per_op=%.1f\n", kind, n,
		wall.Nanoseconds(), cpu.Nanoseconds(), float64(wall)/float64(n), float64(cpu)/float64(n))
}

var errCount = errors.New("-n must be 1 or more")

// sleep measures n tasks that sleep for the same time, all at once.
func sleep(args []string, stdout, stderr io.Writer) (status int) {
	flags := flag.NewFlagSet("sleep", flag.ContinueOnError)
	n, ms := flags.Int("n", 0, ""), flags.Int("ms", -1, "")
	if status, ok := parse(flags, args, 0, stderr); !ok {
		return status
	}
	if *n < 1 {
		return misused(stderr, errCount)
	}
	if *ms < 0 {
		return misused(stderr, errors.New("-ms must be 0 or more"))
	}
	d := time.Duration(*ms) * time.Millisecond
	return withRuntime(stderr, func(rt *Runtime) error {
		watch := startWatch()
		_, err := BlockOn(rt, newSleepers(*n, func(int) time.Duration { return d }))
		watch.result(stdout, "sleep", *n)
		return err
	})
}

// kinds is what sched measures. Each makes a future that does it n times.
var kinds = map[string]func(n int) Future[struct{}]{
	"spawn":      func(n int) Future[struct{}] { return &spawning{left: n, batch: 1} },
	"spawnbatch": func(n int) Future[struct{}] { return &spawning{left: n, batch: 1000} },
	"yield1":     func(n int) Future[struct{}] { return newYielding(n, 1) },
	"yield1k":    func(n int) Future[struct{}] { return newYielding(n, 1000) },
	"wake":       func(n int) Future[struct{}] { return &answering{left: n, thread: true} },
	"wakego":     func(n int) Future[struct{}] { return &answering{left: n} },
	"timer": func(n int) Future[struct{}] {
		return newSleepers(n, func(i int) time.Duration {
			return 100*time.Millisecond + time.Second*time.Duration(i)/time.Duration(n)
		})
	},
}

// sched measures what the scheduler itself costs.
func sched(args []string, stdout, stderr io.Writer) (status int) {
	if len(args) == 0 || kinds[args[0]] == nil {
		return misused(stderr, errors.New("sched needs a KIND"))
	}
	kind := args[0]
	flags := flag.NewFlagSet("sched", flag.ContinueOnError)
	n := flags.Int("n", 0, "")
	if status, ok := parse(flags, args[1:], 0, stderr); !ok {
		return status
	}
	if *n < 1 {
		return misused(stderr, errCount)
	}
	return withRuntime(stderr, func(rt *Runtime) error {
		work := kinds[kind](*n)
		watch := startWatch()
		_, err := BlockOn(rt, work)
		watch.result(stdout, kind, *n)
		return err
	})
}
