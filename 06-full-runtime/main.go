// Command 06-full-runtime is a runtime that one could use: without arguments
// it shows what that is, with arguments it is put to use.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
)

const usage = `usage:
  06-full-runtime                                   show how it works
  06-full-runtime get [-n N] [-timeout D] URL...    fetch all URLs at once
  06-full-runtime serve [-addr HOST:PORT] [-connections N]
      [-idle D] [-read D] [-write D] [-grace D]     serve HTTP until interrupted
  06-full-runtime echo [-addr HOST:PORT]            send back what comes, until killed
  06-full-runtime sleep -n N -ms M                  measure N tasks that sleep M ms
  06-full-runtime sched KIND -n N                   measure N times what KIND says:
      spawn, spawnbatch, yield1, yield1k, wake, wakego, timer
`

// A command returns the exit status: 0, or 1 if it failed, or 2 if it was
// called wrongly. What failed it has said on stderr.
type command func(args []string, stdout, stderr io.Writer) (status int)

var commands = map[string]command{
	"get":   get,
	"serve": serve,
	"echo":  echo,
	"sleep": sleep,
	"sched": sched,
}

func run(args []string, stdout, stderr io.Writer) (status int) {
	if len(args) == 0 {
		return withRuntime(stderr, demonstrate)
	}
	if c := commands[args[0]]; c != nil {
		return c(args[1:], stdout, stderr)
	}
	return misused(stderr, fmt.Errorf("there is no command %q", args[0]))
}

func misused(stderr io.Writer, err error) (status int) {
	fmt.Fprintf(stderr, "06-full-runtime: %v\n%s", err, usage)
	return 2
}

func failed(stderr io.Writer, err error) (status int) {
	fmt.Fprintln(stderr, "06-full-runtime:", err)
	return 1
}

// parse reads the flags of a command that takes at most so many operands. If it
// returns false, the command is over, with this status.
func parse(flags *flag.FlagSet, args []string, operands int, stderr io.Writer) (status int, ok bool) {
	flags.SetOutput(io.Discard) // misused says it, in the same words for all
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		return 0, false
	}
	if err == nil && flags.NArg() > operands {
		err = fmt.Errorf("%s does not take %q", flags.Name(), flags.Arg(operands))
	}
	if err != nil {
		return misused(stderr, err), false
	}
	return 0, true
}

// withRuntime calls f with a runtime, and closes that. Calls of Blocking may go
// on: of a name look-up that has been given up, for one.
func withRuntime(stderr io.Writer, f func(rt *Runtime) error) (status int) {
	rt, err := NewRuntime()
	if err == nil {
		err = f(rt)
		if r := rt.Close(); err == nil && r.Tasks+r.Timers+r.Descriptors > 0 {
			err = fmt.Errorf("left behind: %d tasks, %d timers, %d descriptors", r.Tasks, r.Timers, r.Descriptors)
		}
	}
	if err != nil {
		return failed(stderr, err)
	}
	return 0
}

// resolve is for the address to listen at. Without a host that is all of them.
func resolve(addr string) (netip.AddrPort, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if tcp.IP == nil {
		tcp.IP = net.IPv6unspecified
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
