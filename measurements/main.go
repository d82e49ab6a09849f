// Command measurements takes the figures of 06-full-runtime/MEASURED.md, shows
// them, and draws them:
//
//	go run ./measurements take              # all of them, into data.json: ten minutes
//	go run ./measurements take echo get     # only those whose names begin so
//	go run ./measurements show [NAME]       # as a table, from data.json
//	go run ./measurements draw              # into the page, and as its pictures
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

const chapterDir = "06-full-runtime" // with what is measured, and the page

func main() {
	path := flag.String("data", "measurements/data.json", "the file that take writes, and that show and draw read")
	dir := flag.String("draw", chapterDir, "the folder into which draw writes the pictures, and in which it looks for MEASURED.md")
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
		fmt.Fprintln(os.Stderr, "usage: measurements [-data FILE] [-rounds N] [-draw DIR] take [NAME...] | show [NAME] | draw")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measurements:", err)
		os.Exit(1)
	}
}
