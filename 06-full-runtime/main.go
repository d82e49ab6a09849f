// Command 06-full-runtime is a runtime that you could use. Without arguments it
// shows how it works; with arguments it does some work.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

const usage = `usage:
  06-full-runtime                                 show how the runtime works
  06-full-runtime get [-n N] [-timeout D] URL...  fetch all URLs at once, or each one N times
  06-full-runtime serve [-addr HOST:PORT] [-connections N] [-idle D] [-read D]
                        [-write D] [-grace D]     serve HTTP until Ctrl-C
  06-full-runtime echo [-addr HOST:PORT]          send back whatever arrives, until Ctrl-C
  06-full-runtime help                            print this text
D is a duration such as 500ms, 5s or 1m30s.
`

// A command returns the exit status: 1 if it failed, 2 if it was called the wrong
// way. In both cases it has said on stderr what went wrong.
type command func(args []string, stdout, stderr io.Writer) (status int)

var commands = map[string]command{"get": get, "serve": serve, "echo": echo}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) (status int) {
	switch {
	case len(args) == 0:
		return withRuntime(stderr, demonstrate) // which always prints to os.Stdout
	case slices.ContainsFunc(args, func(arg string) bool { return arg == "-h" || strings.TrimLeft(arg, "-") == "help" }):
		fmt.Fprint(stdout, usage)
		return 0
	case commands[args[0]] == nil:
		return misused(stderr, fmt.Errorf("there is no command %q", args[0]))
	}
	return commands[args[0]](args[1:], stdout, stderr)
}

func misused(stderr io.Writer, err error) (status int) {
	fmt.Fprintf(stderr, "06-full-runtime: %v\n%s", err, usage)
	return 2
}

func failed(stderr io.Writer, err error) (status int) {
	fmt.Fprintln(stderr, "06-full-runtime:", err)
	return 1
}

// check ends the program if err isn't nil. Only workload.go, which is chapter 05's, and its caller need it.
func check(err error) {
	if err != nil {
		os.Exit(failed(os.Stderr, err))
	}
}

// parse reads the flags of a command, and refuses more operands than it takes.
func parse(flags *flag.FlagSet, args []string, operands int) error {
	flags.SetOutput(io.Discard) // misused prints the error
	err := flags.Parse(args)
	if err == nil && flags.NArg() > operands {
		err = fmt.Errorf("%s doesn't take the argument %q", flags.Name(), flags.Arg(operands))
	}
	return err
}

// above0 defines a flag that must be above 0. example is for the error.
func above0[T int | time.Duration](flags *flag.FlagSet, name string, v *T, convert func(string) (T, error), example string) {
	flags.Func(name, "", func(text string) (err error) {
		if *v, err = convert(text); err != nil || *v <= 0 {
			err = fmt.Errorf("want more than 0, such as %s", example)
		}
		return err
	})
}

// runToEnd runs f, and fails if f does.
func runToEnd(rt *Runtime, f Future[error]) error {
	failure, err := BlockOn(rt, f)
	return cmp.Or(err, failure)
}

// withRuntime calls f with a runtime, closes it, and fails if f did or something was left.
func withRuntime(stderr io.Writer, f func(rt *Runtime) error) (status int) {
	rt, err := NewRuntime()
	if err == nil {
		err = f(rt)
		if r := rt.Close(); err == nil && r.Tasks+r.Timers+r.Descriptors > 0 {
			err = fmt.Errorf("left behind: %d tasks, %d timers, %d descriptors", r.Tasks, r.Timers, r.Descriptors)
		}
	}
	if err == nil {
		return 0
	}
	return failed(stderr, err)
}
