// Command exercises is your companion while you solve the exercises: it runs
// their tests, gives hints, and breaks the chapters for you.
//
//	go run ./exercises          the exercise you edited last, and what its tests say
//	go run ./exercises help     everything else
//
// An exercise is done when its tests pass, so there is nothing to tick off. The
// outcome of each run is kept in your cache folder until you change the code:
// see record.go. Delete it whenever you like.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

const usage = `Usage: go run ./exercises [COMMAND]

  no command          the exercise you edited last: what its tests say
  NAME                run one exercise: write, JoinAll, 02-blocking-poll/write
  watch [NAME]        run it again whenever you save; Ctrl-C ends it
  list                all exercises, and how far you are
  next                what to do after the exercise you're working on
  hint [NAME] [N]     a hint, or hint number N
  solution [NAME]     where the solution is
  reset NAME          start again; what you wrote is kept beside the file
  break [PAGE] [N]    show box N under "Break it": break 04 2, break timers 1
  diff 03 04          the code that changed from chapter 03 to chapter 04
  help                this text

Without a NAME it's the exercise you edited last.`

// A misuse is an error in the command line. The exit status is 2.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// errFailed ends the program with status 1 when everything has been said.
var errFailed = errors.New("")

func main() {
	err := run(os.Args[1:])
	if err != nil && err != errFailed {
		fmt.Fprintln(os.Stderr, "exercises:", err)
	}
	if errors.As(err, new(misuse)) {
		os.Exit(2)
	} else if err != nil {
		os.Exit(1)
	}
}

// A command gets the arguments after its name.
type command struct {
	most int // arguments
	run  func(c *collection, args []string) error
}

var commands map[string]command

func init() { // the functions below mention commands
	commands = map[string]command{
		"watch":    {1, watch},
		"list":     {0, func(c *collection, _ []string) error { return list(c, "") }},
		"next":     {0, next},
		"hint":     {2, hint},
		"solution": {1, solution},
		"reset":    {1, reset},
		"break":    {3, breakIt},
		"diff":     {2, diff},
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == guardCommand {
		return guard(args[1:])
	}
	if slices.ContainsFunc(args, asksForHelp) {
		fmt.Println(usage)
		return nil
	}
	if err := enterRoot(); err != nil {
		return err
	}
	c, err := find()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return open(c)
	}
	cmd, known := commands[args[0]]
	switch {
	case known && len(args)-1 > cmd.most:
		return misuse{fmt.Errorf("%s takes fewer arguments.\n\n%s", args[0], usage)}
	case known:
		return cmd.run(c, args[1:])
	case len(args) > 1:
		return misuse{fmt.Errorf("there's no command %q.%s\n\n%s", args[0], didYouMean(commandNames(), args[0]), usage)}
	}
	if chapter := c.chapter(args[0]); chapter != "" {
		return list(c, chapter)
	}
	e, err := c.named(args[0])
	if err != nil {
		if errors.As(err, new(notFound)) {
			names := append(commandNames(), c.names()...)
			err = misuse{fmt.Errorf("%q is neither a command nor an exercise.%s\n\n%s", args[0], didYouMean(names, args[0]), usage)}
		}
		return err
	}
	return runOne(c, e)
}

func asksForHelp(arg string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, arg)
}

func commandNames() (names []string) {
	for name := range commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return append(names, "help")
}

// enterRoot goes up to the root of the repository.
func enterRoot() error {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "exercises", "testdata")); missing == nil {
			return os.Chdir(dir)
		}
		if dir == filepath.Dir(dir) {
			return errors.New("this isn't inside the tutorial's repository: go there first")
		}
		dir = filepath.Dir(dir)
	}
	return err
}

// nameAndNumber takes apart "hint write 2", "hint 2" and "hint write".
func nameAndNumber(c *collection, args []string) (e *exercise, n int, err error) {
	n = 1
	if len(args) > 0 {
		if last, err := strconv.Atoi(args[len(args)-1]); err == nil {
			n, args = last, args[:len(args)-1]
		}
	}
	switch len(args) {
	case 0:
		return c.current(), n, nil
	case 1:
		e, err = c.named(args[0])
		return e, n, err
	}
	return nil, 0, misuse{fmt.Errorf("%q isn't the number of a hint", args[1])}
}
