// Command 06-full-runtime is a runtime that you could use. Without arguments it
// shows how it works; with arguments it does some work.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const usage = `usage:
  06-full-runtime
      show how the runtime works
  06-full-runtime get [-n N] [-timeout D] URL...
      fetch all URLs at once; with -n, fetch each one N times and count
  06-full-runtime serve [-addr HOST:PORT] [-connections N]
                        [-idle D] [-read D] [-write D] [-grace D]
      serve HTTP until Ctrl-C
  06-full-runtime echo [-addr HOST:PORT]
      send back whatever arrives, until Ctrl-C
  06-full-runtime help
      print this text
D is a duration such as 500ms, 5s or 1m30s.
`

// A command returns the exit status: 0, or 1 if it failed, or 2 if it was
// called the wrong way. It has already said on stderr what went wrong.
type command func(args []string, stdout, stderr io.Writer) (status int)

var commands = map[string]command{"get": get, "serve": serve, "echo": echo}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) (status int) {
	if len(args) == 0 {
		return withRuntime(stderr, demonstrate)
	}
	if isHelp(args[0]) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if c := commands[args[0]]; c != nil {
		return c(args[1:], stdout, stderr)
	}
	return misused(stderr, fmt.Errorf("there is no command %q", args[0]))
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

func misused(stderr io.Writer, err error) (status int) {
	fmt.Fprintf(stderr, "06-full-runtime: %v\n%s", err, usage)
	return 2
}

func failed(stderr io.Writer, err error) (status int) {
	fmt.Fprintln(stderr, "06-full-runtime:", err)
	return 1
}

// check ends the program. Only the workload needs it, which is chapter 05's.
func check(err error) {
	if err != nil {
		os.Exit(failed(os.Stderr, err))
	}
}

// parse reads the flags of a command that takes at most that many operands. If
// it returns false, the command is over and its status is known.
func parse(flags *flag.FlagSet, args []string, operands int, stdout, stderr io.Writer) (status int, ok bool) {
	flags.SetOutput(io.Discard) // misused prints the error, in the same form for all commands
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) || flags.NArg() > 0 && isHelp(flags.Arg(0)) {
		fmt.Fprint(stdout, usage)
		return 0, false
	}
	if err == nil && flags.NArg() > operands {
		err = fmt.Errorf("%s doesn't take the argument %q", flags.Name(), flags.Arg(operands))
	}
	if err != nil {
		return misused(stderr, err), false
	}
	return 0, true
}

// duration defines a flag as DurationVar does, with a better answer to "5".
func duration(flags *flag.FlagSet, name string, d *time.Duration) {
	flags.Func(name, "", func(text string) (err error) {
		*d, err = time.ParseDuration(text)
		if _, notNumber := strconv.ParseFloat(text, 64); err != nil && notNumber == nil {
			return fmt.Errorf("a duration needs a unit: %ss?", text)
		}
		if err != nil || *d <= 0 {
			return errors.New("want a duration of more than 0, such as 5s")
		}
		return nil
	})
}

// withRuntime calls f with a runtime, which it closes afterwards. A call of
// Blocking may outlive the runtime, for example a name lookup that f gave up.
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

// resolve returns the address to listen on. ":8080" means all addresses of this
// machine: Listen takes the unspecified IPv6 address for IPv4 as well.
func resolve(addr string) (netip.AddrPort, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("-addr: %w (want HOST:PORT, such as 127.0.0.1:8080)", err)
	}
	if tcp.IP == nil {
		tcp.IP = net.IPv6unspecified
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
}

func listenAt(rt *Runtime, addr netip.AddrPort) (*Listener, error) {
	l, err := Listen(rt, addr)
	if errors.Is(err, unix.EADDRINUSE) {
		err = fmt.Errorf("%w: another program has port %d; -addr HOST:PORT takes a different one", err, addr.Port())
	}
	return l, err
}
