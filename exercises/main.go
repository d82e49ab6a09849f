// Command exercises says how far you are, and what comes next:
//
//	go run ./exercises                 where am I, what next
//	go run ./exercises hint NAME       the first hint; hint NAME 2 is the next
//	go run ./exercises solution NAME   where the solution is
//	go run ./exercises reset NAME      start an exercise again
//
// It keeps no record: an exercise is done when its tests pass. A file that is
// still as it was handed out is not tried, since its tests are known to fail.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// An exercise is a folder below exercises/, in the order of the table in
// exercises/README.md.
type exercise struct {
	name    string // such as 03-reactor/drain
	stars   string
	file    string // that the learner edits: the first Go file to which its page links
	started bool   // the file is not the one that was handed out
	done    bool
	failure string // what its tests say first, if they have been run
}

func (e exercise) dir() string     { return filepath.Join("exercises", filepath.FromSlash(e.name)) }
func (e exercise) edited() string  { return filepath.Join(e.dir(), e.file) }
func (e exercise) page() string    { return filepath.Join(e.dir(), "README.md") }
func (e exercise) command() string { return "go test ./exercises/" + e.name }

// kept is the path of one of the versions that testdata keeps.
func (e exercise) kept(version string) string {
	return filepath.Join("exercises", "testdata", filepath.FromSlash(e.name), version+".go")
}

// A misuse is an error of whoever typed the command.
type misuse struct{ error }

func main() {
	err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "exercises:", err)
	}
	if errors.As(err, new(misuse)) {
		os.Exit(2)
	} else if err != nil {
		os.Exit(1)
	}
}

const usage = `wrong arguments. It is one of:
  go run ./exercises
  go run ./exercises hint NAME [1, 2 or 3]
  go run ./exercises solution NAME
  go run ./exercises reset NAME`

func run(args []string) error {
	if err := enterRoot(); err != nil {
		return err
	}
	all, err := find()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return progress(all)
	}
	if len(args) == 1 || len(args) > 2 && args[0] != "hint" || len(args) > 3 {
		return misuse{errors.New(usage)}
	}
	e, err := named(all, args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "hint":
		return hint(e, append(args, "1")[2])
	case "solution":
		fmt.Println(e.kept("solution"))
		return nil
	case "reset":
		return reset(e)
	}
	return misuse{errors.New(usage)}
}

// enterRoot goes up to the root of the repository.
func enterRoot() error {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "exercises", "testdata")); missing == nil {
			return os.Chdir(dir)
		}
		if dir == filepath.Dir(dir) {
			return errors.New("not inside the repository of the tutorial")
		}
		dir = filepath.Dir(dir)
	}
	return err
}

var (
	row  = regexp.MustCompile(`(?m)^\|[^|]*\]\((\d\d-[\w-]+/[\w-]+)/README\.md\)[^\n]*?(★+)`)
	link = regexp.MustCompile(`\]\((\w+\.go)\)`)
)

// find reads the table and the pages that it links to.
func find() (all []exercise, err error) {
	table, err := os.ReadFile(filepath.Join("exercises", "README.md"))
	for _, m := range row.FindAllSubmatch(table, -1) {
		e := exercise{name: string(m[1]), stars: string(m[2])}
		page, err := os.ReadFile(e.page())
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		file := link.FindSubmatch(page)
		if err != nil || file == nil {
			return nil, fmt.Errorf("%s: no link to the file to edit (%v)", e.page(), err)
		}
		e.file = string(file[1])
		now, _ := os.ReadFile(e.edited())
		stub, err := os.ReadFile(e.kept("stub"))
		if err != nil {
			return nil, err
		}
		e.started = !bytes.Equal(now, stub)
		all = append(all, e)
	}
	if err == nil && len(all) == 0 {
		err = errors.New("exercises/README.md has no table of exercises")
	}
	return all, err
}

// named finds an exercise by drain, 03-reactor/drain or its path.
func named(all []exercise, name string) (exercise, error) {
	clean := strings.TrimPrefix(filepath.ToSlash(filepath.Clean(name)), "exercises/")
	var found []exercise
	var names []string
	for _, e := range all {
		names = append(names, e.name)
		if clean == e.name || clean == filepath.Base(e.name) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return exercise{}, misuse{fmt.Errorf("there is no exercise %s. There are:\n  %s", name, strings.Join(names, "\n  "))}
	case 1:
		return found[0], nil
	}
	return exercise{}, misuse{fmt.Errorf("%s is not one exercise but %d: say %s or %s", name, len(found), found[0].name, found[1].name)}
}

func progress(all []exercise) error {
	if err := try(all); err != nil {
		return err
	}
	done, chapter := 0, ""
	for _, e := range all {
		if dir := filepath.Dir(e.name); dir != chapter {
			chapter = dir
			fmt.Printf("%s\n", chapter)
		}
		state := "to do"
		if e.done {
			state = color("32", "done ")
			done++
		} else if e.started {
			state = "begun"
		}
		fmt.Printf("  %s  %-22s %s\n", state, filepath.Base(e.name), e.stars)
	}
	const width = 30
	full := width * done / len(all)
	fmt.Printf("\n%d of %d done  [%s%s]\n", done, len(all), strings.Repeat("#", full), strings.Repeat(".", width-full))
	if next := firstToDo(all); next != nil {
		fmt.Printf("\n%s %s %s\n", color("1", "Next:"), next.name, next.stars)
		fmt.Printf("  read   %s\n  edit   %s\n  run    %s\n", next.page(), next.edited(), next.command())
		fmt.Printf("  stuck  go run ./exercises hint %s\n", next.name)
		fmt.Printf("\nIt says now:\n%s", next.failure)
	} else {
		fmt.Println("\nAll of them. What is left is to write something of your own.")
	}
	return nil
}

func firstToDo(all []exercise) *exercise {
	for i := range all {
		if !all[i].done {
			return &all[i]
		}
	}
	return nil
}

// try runs the tests of what has been started, and of the first that has not,
// in one command, and notes the results.
func try(all []exercise) error {
	args, first := []string{"test", "-json"}, true
	for _, e := range all {
		if e.started || first {
			args = append(args, "./exercises/"+e.name)
			first = first && e.started
		}
	}
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	passed, said := outcomes(output)
	if len(passed) == 0 {
		return fmt.Errorf("go test could not run:\n%s", stderr.Bytes())
	}
	for i, e := range all {
		all[i].done = passed[e.name]
		all[i].failure = said[e.name]
	}
	return nil
}

// outcomes reads what go test -json has written: which of the packages that
// were tried passed, and of the others what the first test said that failed.
func outcomes(output []byte) (passed map[string]bool, said map[string]string) {
	passed, said = make(map[string]bool), make(map[string]string)
	outputs := make(map[[2]string]string) // by package and test
	for _, line := range bytes.Split(output, []byte("\n")) {
		var event struct{ Action, Package, ImportPath, Test, Output string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		pkg, _, _ := strings.Cut(event.Package+event.ImportPath, " ")
		_, name, _ := strings.Cut(pkg, "/exercises/")
		key := [2]string{name, event.Test}
		switch event.Action {
		case "output", "build-output":
			if !chatter.MatchString(event.Output) {
				outputs[key] += "  " + strings.TrimPrefix(event.Output, "    ")
			}
		case "fail":
			if said[name] == "" {
				said[name] = outputs[key]
			}
		}
		if event.Test == "" && (event.Action == "pass" || event.Action == "fail") {
			passed[name] = event.Action == "pass"
		}
	}
	return passed, said
}

// chatter is what go test prints that says nothing about the failure.
var chatter = regexp.MustCompile(`^(=== |\s*--- |PASS|FAIL|ok )`)

// color uses color only where it is welcome. It never carries meaning alone.
func color(code, text string) string {
	info, err := os.Stdout.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

var (
	details = regexp.MustCompile(`(?s)<details><summary>(Hint .*?)</details>`)
	tag     = regexp.MustCompile(`</?\w+>`)
)

func hint(e exercise, number string) error {
	page, err := os.ReadFile(e.page())
	if err != nil {
		return err
	}
	hints := details.FindAllSubmatch(page, -1)
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(hints) {
		return misuse{fmt.Errorf("%s has hints 1 to %d", e.name, len(hints))}
	}
	fmt.Println(strings.TrimSpace(tag.ReplaceAllString(string(hints[n-1][1]), "")))
	if n < len(hints) {
		fmt.Printf("\nStill stuck?  go run ./exercises hint %s %d\n", e.name, n+1)
	} else {
		fmt.Printf("\nThat was the last one. The solution is %s\n", e.kept("solution"))
	}
	return nil
}

// reset puts the stub back, and keeps what it replaces.
func reset(e exercise) error {
	if !e.started {
		fmt.Printf("%s is as it was handed out.\n", e.edited())
		return nil
	}
	stub, err := os.ReadFile(e.kept("stub"))
	if err != nil {
		return err
	}
	now, err := os.ReadFile(e.edited())
	old := e.edited() + ".old"
	if err == nil {
		err = os.WriteFile(old, now, 0o666)
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.WriteFile(e.edited(), stub, 0o666)
	}
	if err == nil {
		fmt.Printf("%s is as it was handed out. What you had is in %s\n", e.edited(), filepath.Base(old))
	}
	return err
}
