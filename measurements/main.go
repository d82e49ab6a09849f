// Command measurements takes the figures of 06-full-runtime/MEASURED.md, shows
// them, and draws them:
//
//	go run ./measurements take              # all of them, into data.json: ten minutes
//	go run ./measurements take echo get     # only those whose names begin so
//	go run ./measurements show [NAME]       # as a table, from data.json
//	go run ./measurements plot              # as 06-full-runtime/*.svg, from data.json
//
// To take them needs Linux with two processors, cc, strace, wrk, ab and git, and
// a machine that has nothing else to do. It is run from the root of the
// repository.
package main

import (
	"flag"
	"fmt"
	"os"
)

const (
	dataFile = "measurements/data.json"
	pageDir  = "06-full-runtime" // also of the code that is measured
)

func main() {
	out := flag.String("out", dataFile, "the file that take writes, and that show and plot read")
	rounds := flag.Int("rounds", 0, "rounds that take makes of everything, instead of those that each measurement has")
	flag.Parse()
	var err error
	switch args := flag.Args(); {
	case len(args) > 0 && args[0] == "take":
		err = take(*out, *rounds, args[1:])
	case len(args) > 0 && len(args) < 3 && args[0] == "show":
		err = show(os.Stdout, *out, append(args, "")[1])
	case len(args) == 1 && args[0] == "plot":
		err = plot(*out, pageDir)
	default:
		fmt.Fprintln(os.Stderr, "usage: measurements [-out FILE] [-rounds N] take [NAME...] | show [NAME] | plot")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measurements:", err)
		os.Exit(1)
	}
}
