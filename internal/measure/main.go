// Command measure takes the figures of docs/MEASURED.md, shows
// them, and draws them:
//
//	go run ./internal/measure take              # all of them, into data.json: ten minutes
//	go run ./internal/measure take echo get     # only those whose names begin so
//	go run ./internal/measure show [NAME]       # as a table, from data.json
//	go run ./internal/measure draw              # into the page, and as its pictures
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
	chapterDir = "06-full-runtime" // what is measured
	pageDir    = "docs"            // the page that shows it
)

func main() {
	path := flag.String("data", "internal/measure/data.json", "the file that take writes, and that show and draw read")
	dir := flag.String("draw", pageDir, "the folder in which draw looks for MEASURED.md, and for the folder pictures")
	rounds := flag.Int("rounds", 0, "rounds that take makes of everything, instead of those that each measurement has")
	flag.Parse()
	var err error
	switch args := flag.Args(); {
	case len(args) > 0 && args[0] == "take":
		err = take(*path, *rounds, args[1:])
	case len(args) > 0 && len(args) < 3 && args[0] == "show":
		err = show(os.Stdout, *path, append(args, "")[1])
	case len(args) == 1 && args[0] == "draw":
		err = draw(*path, *dir)
	default:
		fmt.Fprintln(os.Stderr, "usage: measure [-data FILE] [-rounds N] [-draw DIR] take [NAME...] | show [NAME] | draw")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}
