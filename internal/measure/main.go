// Command measure takes the figures of docs/MEASURED.md, shows them, and draws
// them. Run it in the root of the repository:
//
//	go run ./internal/measure take                       # all of them, into data.json: ten minutes
//	go run ./internal/measure take echo get              # only those with names that start like this
//	go run ./internal/measure show [NAME]                # as a table, from data.json
//	go run ./internal/measure draw                       # into the page, and as its pictures
//	go run ./internal/measure build -o FILE              # only the program that take measures
//	go run ./internal/measure run sleep -n 1000 -ms 50   # the same, and run it
//
// Each figure of ours stands beside the same work done with goroutines and with
// tokio, and in C without any runtime: see peers, tokio and epoll.
//
// Taking them needs Linux with two processors, cc, strace, wrk, ab and git, and
// a machine that has nothing else to do. With cargo, tokio is measured as well: its
// crates are those of Debian's librust-tokio-dev, or come from crates.io. Without
// cargo or crates, or with -tokio=false, its lines are missing.
//
// The program that build makes is chapter 06 together with the commands in
// _overlay:
//
//	FILE echo -addr HOST:PORT    # the chapter's echo server
//	FILE get -n N URL            # N requests, all at once
//	FILE sleep -n N -ms M        # N tasks that sleep M milliseconds
//	FILE sched KIND -n N         # N times spawn, spawnbatch, yield1, yield1k, wake, wakego or timer
//
// The last three print what that took:
//
//	RESULT kind=… n=… wall_ns=… cpu_ns=… wall_per_op=… cpu_per_op=…
//
// With -choice NAME it is the chapter without one of its choices: see the diffs
// in choices. With -source DIR the source that is built stays in DIR.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
)

const (
	chapterDir = "06-full-runtime" // what is measured
	pageDir    = "docs"            // the page that shows it
)

const usage = `usage:
  measure [-data FILE] [-rounds N] [-tokio=false] take [NAME...]
                                                    measure, and write FILE
  measure [-data FILE] show [NAME]                  show tables from FILE
  measure [-data FILE] [-draw DIR] draw             update the page and its pictures in DIR
  measure build -o FILE [-choice NAME] [-source DIR]
                                                    build only the program that take measures
  measure run COMMAND...                            build that program, and run it
`

func main() {
	path := flag.String("data", "internal/measure/data.json", "")
	dir := flag.String("draw", pageDir, "")
	rounds := flag.Int("rounds", 0, "")   // of every experiment, instead of its own number
	tokio := flag.Bool("tokio", true, "") // measure that, too
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	var err error
	switch args := flag.Args(); {
	case len(args) > 0 && args[0] == "take":
		err = take(*path, *rounds, *tokio, args[1:])
	case len(args) > 0 && len(args) < 3 && args[0] == "show":
		err = show(os.Stdout, *path, append(args, "")[1])
	case len(args) == 1 && args[0] == "draw":
		err = draw(*path, *dir)
	case len(args) > 0 && args[0] == "build":
		err = buildCommand(args[1:])
	case len(args) > 1 && args[0] == "run":
		err = runCommand(args[1:])
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			os.Exit(max(failed.ExitCode(), 1))
		}
	case len(args) == 1 && args[0] == "help":
		flag.Usage()
	default:
		if len(args) > 0 {
			fmt.Fprintf(os.Stderr, "measure: %q isn't a command, or takes other arguments\n", args[0])
		}
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// must ends the program if there is an error: half of the figures are useless.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}
