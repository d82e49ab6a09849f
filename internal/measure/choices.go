package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A choice is a decision that chapter 06 has made for the sake of speed or
// memory. The diff with its name in choices takes it back.
type choice struct {
	diff    string
	chosen  string
	instead string
	kind    string // what is measured
}

var choices = []choice{
	{"reactor-thread", "the executor parks in the kernel", "a goroutine waits there, and hands the events over", "echo, 1 connection"},
	{"netpoller", "the executor parks in the kernel", "a goroutine waits through Go's netpoller", "echo, 1 connection"},
	{"rearm", "a descriptor is registered once", "it's armed again for each wait", "echo, 64 connections"},
	{"raw-calls", "raw reads and writes, because none can block", "unix.Read and unix.Write", "echo, 64 connections"},
	{"map-and-mutex", "a ring buffer of pointers", "a queue of numbers, a map, a mutex", "yield, 1,000 tasks"},
	{"spawn-remote", "a task spawns without a lock", "like other goroutines, with one", "spawn, 1,000 at a time"},
	{"binary-heap", "four children for each timer in the heap", "two", "timer"},
	{"no-gosched", "Gosched before the executor parks", "none", "wake, GOMAXPROCS=1"},
	{"own-buffer", "one read buffer for all connections", "4 KiB for each", "idle, echo"},
}

func (c choice) experiment() string { return "choice, " + c.diff }

// price is how many more lines the choice has than what's instead, without comments.
func (c choice) price() (lines int) {
	diff, err := os.ReadFile(filepath.Join(choicesDir, c.diff+".diff"))
	must(err)
	for line := range strings.Lines(string(diff)) {
		code := strings.TrimSpace(line[1:])
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"), code == "", strings.HasPrefix(code, "//"):
		case line[0] == '-':
			lines++
		case line[0] == '+':
			lines--
		}
	}
	return lines
}

// showChoices prints what each choice buys, if that has been measured.
func (d *data) showChoices(w io.Writer) {
	first := true
	for _, c := range choices {
		quantities := d.distinct(func(s *series) (string, bool) { return s.Quantity, s.Experiment == c.experiment() })
		if quantities == nil {
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		fmt.Fprintf(w, "%s (measured: %s)\n", c.diff, c.kind)
		fmt.Fprintf(w, "  as it is: %s\n  instead:  %s\n  price:    %+d lines\n", c.chosen, c.instead, c.price())
		fmt.Fprintf(w, "%20s %12s %12s %8s\n", "", "as it is", "instead", "ratio")
		for _, q := range quantities {
			a, b := d.find(c.experiment(), ours, q), d.find(c.experiment(), c.diff, q)
			fmt.Fprintln(w, strings.TrimRight(
				fmt.Sprintf("%20s %12s %12s %8s", q, digits(a.median()), digits(b.median()), ratio(a, b)), " "))
		}
	}
}
