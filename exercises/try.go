package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	testLimit  = 8500 * time.Millisecond          // for the tests of one exercise
	guardLimit = testLimit + 500*time.Millisecond // and if they don't even begin
	ownLines   = 40                               // shown, of what your own code prints
	saidLines  = 60                               // of what the tests and the compiler say
	lineLength = 300                              // bytes
	cut        = " … (a very long line, cut here)"
)

// try runs the tests of some exercises in one go command, and keeps what they
// said.
func (c *collection) try(all []*exercise) error {
	if len(all) == 0 {
		return nil
	}
	throughGuard, err := guarded(guardLimit)
	if err != nil {
		return err
	}
	args := []string{"test", "-json", "-count=1", "-timeout=" + testLimit.String(), throughGuard}
	before := make(map[string]string) // the fingerprints: you may save while the tests run
	common := fingerprint(filepath.Join("exercises", "check"), "go.mod", "go.sum")
	for _, e := range all {
		args = append(args, "./exercises/"+e.name)
		before[e.name] = common + fingerprint(e.dir())
	}
	got, err := goTest(args)
	if err != nil {
		return err
	}
	for _, e := range all {
		r := got[e.name]
		if r == nil {
			r = &result{}
		}
		e.outcome = &outcome{Passed: r.passed, Said: r.report(e), Files: before[e.name]}
		c.record.Outcomes[e.name] = e.outcome
	}
	c.record.write()
	return nil
}

// tryUnknown runs the tests of all that was started and isn't known.
func (c *collection) tryUnknown() error {
	var unknown []*exercise
	for _, e := range c.all {
		if e.started && e.outcome == nil {
			unknown = append(unknown, e)
		}
	}
	return c.try(unknown)
}

// goTest runs go test -json and returns the results by name of the exercise.
func goTest(args []string) (results, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = environment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second // for a child of the tests that keeps the output open
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	built := noticeBuild()
	defer built()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	all := make(results)
	r := bufio.NewReader(stdout)
	for {
		line, err := r.ReadBytes('\n')
		var ev event
		if json.Unmarshal(line, &ev) == nil {
			if ev.Action == "start" {
				built()
			}
			all.note(ev)
		}
		if err != nil {
			if err != io.EOF {
				stderr.WriteString(err.Error())
			}
			break
		}
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("go test didn't run:\n%s", stderr.Bytes())
	}
	return all, nil
}

// An event is a line of go test -json.
type event struct{ Action, Package, ImportPath, Test, Output, FailedBuild string }

// results are by name of the exercise. What can't be built may have another
// name: that of a package that it imports.
type results map[string]*result

func (all results) note(ev event) {
	path, _, _ := strings.Cut(ev.Package+ev.ImportPath, " ")
	name := path
	if _, ours, found := strings.Cut(path, "/exercises/"); found {
		name = ours
	}
	r := all[name]
	if r == nil {
		r = &result{texts: make(map[string]*text)}
		all[name] = r
	}
	switch ev.Action {
	case "output", "build-output":
		r.output(ev.Test, ev.Output)
	case "pass":
		r.passed = r.passed || ev.Test == ""
	case "fail":
		r.failed = append(r.failed, ev.Test)
		if other := all[ev.FailedBuild]; other != nil && other != r {
			r.texts[""] = other.texts[""]
		}
	}
}

// A result is what the tests of one exercise said.
type result struct {
	passed bool
	failed []string         // tests, in the order of their ends; "" is the exercise itself
	texts  map[string]*text // by test; "" is what belongs to no test
	trace  []string         // of a panic: the message, and the goroutines
}

// A text is what one test said, and what your code printed meanwhile. Your code
// may print without end, so only the beginning is kept.
type text struct {
	open   string // a line whose end hasn't come yet
	lines  []string
	own    int  // lines that your code printed,
	said   int  // that the test or the compiler said
	full   int  // lines when the last line of your code was kept
	inside bool // the test's sentence may go on
}

func (r *result) output(test, output string) {
	t := r.texts[test]
	if t == nil {
		t = new(text)
		r.texts[test] = t
	}
	if len(t.open) < lineLength {
		t.open += output
	}
	if !strings.HasSuffix(output, "\n") {
		return
	}
	line := strings.TrimRight(t.open, "\r\n")
	t.open = ""
	if r.trace != nil || startsTrace.MatchString(line) {
		if len(r.trace) < traceLines {
			r.trace = append(r.trace, line)
		}
		return
	}
	t.add(line)
}

var (
	startsTrace = regexp.MustCompile(`^(panic: |fatal error: |SIG[A-Z]+: |` + stopped + `)`)
	chatter     = regexp.MustCompile(`^(=== |\s*--- |PASS$|FAIL\b|ok  |exit status |# |testing: )`) // of go test
	sentence    = regexp.MustCompile(`^\s*(\.[/\\])?[\w./\\-]+\.go:\d+(:\d+)?: `)                   // of a test, or the compiler
)

const traceLines = 2000

func (t *text) add(line string) {
	if chatter.MatchString(line) {
		return
	}
	isSentence := sentence.MatchString(line)
	t.inside = isSentence || t.inside && (strings.HasPrefix(line, "        ") || line == "")
	if len(line) > lineLength {
		line = strings.ToValidUTF8(line[:lineLength], "") + cut
	}
	if t.inside {
		if t.said++; t.said <= saidLines {
			t.lines = append(t.lines, strings.TrimPrefix(line, "    "))
		}
	} else {
		if t.own++; t.own <= ownLines {
			t.lines = append(t.lines, line)
			t.full = len(t.lines)
		}
	}
}

func (t *text) String() string {
	if t == nil {
		return ""
	}
	var all strings.Builder
	for i, line := range t.lines {
		all.WriteString(line + "\n")
		if more := t.own - ownLines; more > 0 && i+1 == t.full {
			fmt.Fprintf(&all, "… and %d more lines that your code printed\n", more)
		}
	}
	if more := t.said - saidLines; more > 0 {
		fmt.Fprintf(&all, "… and %d more lines\n", more)
	}
	return all.String()
}

// report is what you should know of a failure: a panic, what the first test
// said that failed, or what the compiler said.
func (r *result) report(e *exercise) string {
	if r.passed {
		return ""
	}
	if _, err := os.Stat(e.edited()); err != nil {
		return fmt.Sprintf("There's no %s anymore. To get it back: go run ./exercises reset %s\n", e.file, e.name)
	}
	if r.trace != nil {
		return r.panicked(e)
	}
	for _, test := range r.failed {
		if t := r.texts[test]; t != nil && t.said > 0 {
			return t.String()
		}
	}
	for _, test := range append(r.failed, "") {
		if said := r.texts[test].String(); said != "" {
			return said
		}
	}
	return "The tests ended without a word. Does something call os.Exit?\n"
}

// panicked makes a few lines of a trace of many.
func (r *result) panicked(e *exercise) string {
	message, goroutines := r.trace, []string(nil)
	for i, line := range r.trace {
		if strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "runtime stack:") {
			message, goroutines = r.trace[:i], r.trace[i:]
			break
		}
	}
	text := strings.TrimSpace(strings.Join(message[:min(len(message), ownLines)], "\n"))
	places := r.places(e, goroutines)
	switch first, _, _ := strings.Cut(text, "\n"); {
	case strings.HasPrefix(text, stopped):
		text = fmt.Sprintf("It hangs, so it was stopped after %s. No test had a chance to say where: is it a\npackage variable, an init function, or a test without a time limit?",
			strings.TrimPrefix(first, stopped))
	case strings.HasPrefix(text, "panic: test timed out"):
		running := regexp.MustCompile(`(?m)^\s+(\w+)\S* \(`).FindStringSubmatch(text)
		name := "A test"
		if running != nil {
			name = running[1]
		}
		text = fmt.Sprintf("%s hangs, so it was stopped after %v.", name, testLimit)
		if len(places) > 0 {
			text += " Your code was here:"
		}
	case len(places) > 1:
		places = places[:1] // the one that panicked is the first
	}
	var all strings.Builder
	for _, test := range append(r.failed, slices.Sorted(maps.Keys(r.texts))...) {
		if t := r.texts[test]; t != nil && t.own+t.said > 0 {
			all.WriteString(t.String())
			break
		}
	}
	all.WriteString(text + "\n")
	for _, place := range places {
		all.WriteString("  at " + place + "\n")
	}
	if len(goroutines) > 0 {
		fmt.Fprintf(&all, "(The whole trace: go test ./exercises/%s)\n", e.name)
	}
	return all.String()
}

var (
	header = regexp.MustCompile(`^goroutine \d+ .*\[([^\],]+)`)
	frame  = regexp.MustCompile(`^\t(.*[/\\](\w+\.go):\d+)`)
)

// places are the lines of the exercise's folder where goroutines stand, at most
// three: the innermost one of each, in the edited file if there is one.
func (r *result) places(e *exercise, goroutines []string) (all []string) {
	state, best, function := "", "", ""
	flush := func() {
		if best != "" && len(all) < 3 && !slices.Contains(all, best) {
			all = append(all, best)
		}
		best = ""
	}
	for _, line := range goroutines {
		if m := header.FindStringSubmatch(line); m != nil {
			flush()
			state = m[1]
			continue
		}
		m := frame.FindStringSubmatch(line)
		if m == nil {
			function = line
			continue
		}
		if folder := filepath.ToSlash(m[1]); m[2] == e.file && best == "" &&
			strings.Contains(folder, "/exercises/"+e.name+"/") && !strings.HasPrefix(function, "created by") {
			place := filepath.Base(m[1])
			best = fmt.Sprintf("%s, in %s", place, functionName(function))
			if state != "running" {
				best += " [" + state + "]"
			}
		}
	}
	flush()
	return all
}

// functionName is (*Parker).Park of a trace's ….main.(*Parker).Park(0xc000…).
func functionName(call string) string {
	call = call[strings.LastIndexByte(call, '/')+1:]
	_, name, _ := strings.Cut(call, ".")
	if i := strings.LastIndexByte(name, '('); i > 0 {
		name = name[:i]
	}
	return name
}
