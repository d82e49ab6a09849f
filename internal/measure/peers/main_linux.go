// Command peers does what 06-full-runtime does, but with goroutines and Go's net,
// so that the two can be compared. It also has the clients and the server that
// the measurements need. The command in the folder above runs it.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		must(fmt.Errorf("want a command: see the code"))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	n := flags.Int("n", 1, "how often, or how many connections")
	d := flags.Duration("d", time.Second, "how long")
	pid := flags.Int("pid", 0, "of the server")
	at := flags.String("addr", "127.0.0.1:1", "of the server")
	message := flags.String("message", "hello", "to send on each connection before it is idle")
	flags.Parse(os.Args[2:])
	addr, err := netip.ParseAddrPort(*at)
	must(err)
	switch command := os.Args[1]; command {
	case "echo":
		echo()
	case "serve":
		serve()
	case "delay":
		delay(*d)
	case "idle":
		idle(addr, *pid, *n, *message, *d)
	case "net":
		get(command, flags.Arg(0), *n, byNet)
	case "http":
		get(command, flags.Arg(0), *n, byHTTP)
	case "sleep":
		measure(command, *n, func(n int) { sleep(n, func(int) time.Duration { return *d }) })
	default:
		if kinds[command] == nil {
			must(fmt.Errorf("there's no command %q", command))
		}
		measure(command, *n, kinds[command])
	}
}

func measure(kind string, n int, f func(n int)) {
	before, start := cpuTime(0), time.Now()
	f(n)
	result(kind, n, time.Since(start), cpuTime(0)-before)
}

// result prints the same line as the commands in ../_overlay.
func result(kind string, n int, wall, cpu time.Duration) {
	fmt.Printf("RESULT kind=%s n=%d wall_ns=%d cpu_ns=%d wall_per_op=%.1f cpu_per_op=%.1f\n", kind, n,
		wall.Nanoseconds(), cpu.Nanoseconds(), float64(wall)/float64(n), float64(cpu)/float64(n))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}
