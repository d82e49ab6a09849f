package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// A goal is for one figure of ours: at most, or at least, so much.
type goal struct {
	experiment string
	quantity   string
	beside     string // the column by which the figure is divided, or "" if it isn't
	wanted     float64
	least      bool
}

var goals = []goal{
	{"echo, 64 connections", "messages/s", "C", 0.97, true},
	{"echo, 64 connections", "CPU µs/message", "C", 1.08, false},
	{"echo, 1,000 connections", "messages/s", "C", 0.97, true},
	{"echo, 1,000 connections", "CPU µs/message", "C", 1.08, false},
	{"get, 10,000 at once", "ms beyond the delay", "tokio", 1, false},
	{"get, 10,000 at once", "CPU µs/request", "tokio", 1.1, false},
	{"get, 10,000 at once", "peak MiB", "", 14, false},
	{"spawn, one at a time", "ns", "tokio", 1.3, false},
	{"spawn, 1,000 at a time", "ns", "tokio", 1.3, false},
	{"yield, 1,000 tasks", "ns", "tokio", 0.55, false},
	{"timer", "CPU ns", "tokio", 0.7, false},
	{"wake, thread, one CPU", "ns", "tokio", 1.5, false},
	{"sleep, 1,000,000 tasks", "bytes each", "", 220, false},
	{"idle, echo", "bytes each", "", 400, false},
}

// columns are those of the table, and the bars of the pictures. Of the programs
// that may be in each, the first one that has the figure is there.
var columns = []struct {
	name     string
	programs []string
}{
	{"ours", []string{ours}},
	{"tokio", []string{"tokio"}},
	{"Go", []string{"Go's net", "goroutines", "net/http"}},
	{"C", []string{inC, loopInC}},
}

// inColumn returns the figure of a column, or nil if it hasn't been measured.
func (d *data) inColumn(column, experiment, quantity string) *series {
	for _, c := range columns {
		for _, program := range c.programs {
			if s := d.find(experiment, program, quantity); s != nil && c.name == column {
				return s
			}
		}
	}
	return nil
}

// showGoals prints ours beside the others, and which goals were missed. No line
// has more than 80 columns.
func (d *data) showGoals(w io.Writer) {
	fmt.Fprintf(w, "%-22s", "")
	for _, c := range columns {
		fmt.Fprintf(w, "%8s", c.name)
	}
	fmt.Fprintf(w, "%6s goal\n", "ratio")
	above := ""
	for _, g := range goals {
		if d.inColumn("ours", g.experiment, g.quantity) == nil {
			continue
		}
		if g.experiment != above {
			above = g.experiment
			fmt.Fprintln(w, above)
		}
		fmt.Fprintln(w, strings.TrimRight(d.goalRow(g), " "))
	}
}

func (d *data) goalRow(g goal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-20s", g.quantity)
	for _, c := range columns {
		text := ""
		if s := d.inColumn(c.name, g.experiment, g.quantity); s != nil {
			text = digits(s.median())
		}
		fmt.Fprintf(&b, "%8s", text)
	}
	us := d.inColumn("ours", g.experiment, g.quantity)
	reached, ratio, wanted := us.median(), "", digits(g.wanted)
	if g.beside != "" {
		wanted = fmt.Sprintf("%.2f %s", g.wanted, g.beside)
		reached = math.NaN() // unless the other side has been measured, too
		if other := d.inColumn(g.beside, g.experiment, g.quantity); other != nil {
			reached = us.over(other)
			ratio = fmt.Sprintf("%.2f", reached)
		}
	}
	sign, missed := "≤", reached > g.wanted
	if g.least {
		sign, missed = "≥", reached < g.wanted
	}
	fmt.Fprintf(&b, "%6s %-12s", ratio, sign+" "+wanted)
	if missed {
		b.WriteString(" missed")
	}
	return b.String()
}
