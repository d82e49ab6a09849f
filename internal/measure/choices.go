package main

import (
	"fmt"
	"io"
	"strings"
)

// A choice is one that chapter 06 has made for the sake of speed or memory.
// internal/checks/testdata/choices/<diff>.diff takes it back.
type choice struct {
	diff    string
	chosen  string
	instead string
	kind    string // what is measured
}

var choices = []choice{
	{"reactor-thread", "the executor sleeps in the kernel's queue", "a goroutine does, and hands the events over", "echo, 1 connection"},
	{"netpoller", "the same", "that goroutine waits through Go's netpoller", "echo, 1 connection"},
	{"unix-read", "raw calls where none can block", "unix.Read and unix.Write", "echo, 64 connections"},
	{"rearm", "a descriptor is registered once", "it is armed anew for each wait", "echo, 64 connections"},
	{"map-and-mutex", "a ring of pointers", "a queue of numbers, a map, a mutex", "yield, 1,000 tasks"},
	{"no-gosched", "Gosched before the executor parks", "none", "wake, GOMAXPROCS=1"},
	{"own-buffer", "one read buffer for all connections", "4 KiB for each", "idle, echo"},
}

func (c choice) experiment() string { return "choice, " + c.diff }

// showChoices prints what each choice buys.
func (d *data) showChoices(w io.Writer) {
	for i, c := range choices {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s; instead: %s (%s; %s)\n", c.chosen, c.instead, c.diff, c.kind)
		fmt.Fprintf(w, "%20s %12s %12s %8s\n", "", "as it is", "instead", "ratio")
		for _, q := range d.distinct(func(s *series) (string, bool) { return s.Quantity, s.Experiment == c.experiment() }) {
			a, b := d.find(c.experiment(), ours, q), d.find(c.experiment(), c.diff, q)
			fmt.Fprintln(w, strings.TrimRight(
				fmt.Sprintf("%20s %12s %12s %8s", q, digits(a.median()), digits(b.median()), ratio(a, b)), " "))
		}
	}
}
