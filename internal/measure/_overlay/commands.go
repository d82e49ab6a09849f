package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"
)

// The files in this folder are built together with a copy of chapter 06, whose
// program then has these commands as well. Each prints a line of this form:
//
//	RESULT kind=… n=… wall_ns=… cpu_ns=… wall_per_op=… cpu_per_op=…
const measureUsage = `usage:
  sleep -n N -ms M    N tasks that sleep M milliseconds, all at once
  sched KIND -n N     N times what KIND says:
      spawn, spawnbatch, yield1, yield1k, wake, wakego, timer
  get -n N URL        N requests, all at once
`

func init() {
	commands["sleep"] = measureSleep
	commands["sched"] = measureSched
	commands["get"] = measureGet(commands["get"])
}

// measureGet makes the chapter's own get print what its N requests have taken.
func measureGet(get command) command {
	return func(args []string, stdout, stderr io.Writer) (status int) {
		watch := startStopwatch()
		status = get(args, stdout, stderr)
		if len(args) > 2 && args[0] == "-n" && status == 0 {
			n, _ := strconv.Atoi(args[1]) // get has seen to it that this is a number
			watch.result(stdout, "get", n)
		}
		return status
	}
}

// measureSleep measures n tasks that all sleep for the same time.
func measureSleep(args []string, stdout, stderr io.Writer) (status int) {
	flags := newMeasureFlags("sleep")
	n, ms := flags.Int("n", 0, ""), flags.Int("ms", -1, "")
	if err := flags.parse(args, 0); err != nil {
		return misusedMeasure(stderr, err)
	}
	if *n < 1 {
		return misusedMeasure(stderr, errCount)
	}
	if *ms < 0 {
		return misusedMeasure(stderr, errors.New("-ms must be 0 or more"))
	}
	d := time.Duration(*ms) * time.Millisecond
	return measured(stdout, stderr, "sleep", *n, newSleepers(*n, func(int) time.Duration { return d }))
}

// measureSched measures what the scheduler itself costs.
func measureSched(args []string, stdout, stderr io.Writer) (status int) {
	if len(args) == 0 {
		return misusedMeasure(stderr, errors.New("sched needs a KIND"))
	}
	kind := args[0]
	newWork := kinds[kind]
	if newWork == nil {
		return misusedMeasure(stderr, fmt.Errorf("there's no KIND %q", kind))
	}
	flags := newMeasureFlags("sched")
	n := flags.Int("n", 0, "")
	if err := flags.parse(args[1:], 0); err != nil {
		return misusedMeasure(stderr, err)
	}
	if *n < 1 {
		return misusedMeasure(stderr, errCount)
	}
	return measured(stdout, stderr, kind, *n, newWork(*n))
}

// measured runs f, which does something n times, and prints what that takes.
func measured[T any](stdout, stderr io.Writer, kind string, n int, f Future[T]) (status int) {
	return withRuntime(stderr, func(rt *Runtime) error {
		watch := startStopwatch()
		_, err := BlockOn(rt, f)
		watch.result(stdout, kind, n)
		return err
	})
}

var errCount = errors.New("-n must be 1 or more")

// misusedMeasure reports that a command was called with the wrong arguments.
func misusedMeasure(stderr io.Writer, err error) (status int) {
	fmt.Fprintf(stderr, "measure: %v\n%s", err, measureUsage)
	return 2
}

// measureFlags are the flags of one command.
type measureFlags struct{ *flag.FlagSet }

func newMeasureFlags(name string) measureFlags {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // misusedMeasure reports every error in the same way
	return measureFlags{flags}
}

// parse reads the flags of a command that takes exactly this many operands.
func (f measureFlags) parse(args []string, operands int) error {
	err := f.Parse(args)
	if err == nil && f.NArg() != operands {
		err = fmt.Errorf("%s takes %d operands, not %d: %q", f.Name(), operands, f.NArg(), f.Args())
	}
	return err
}
