package main

import (
	"fmt"
	"io"
)

// A bar is a goal for one figure: at most, or at least, so much.
type bar struct {
	experiment string
	quantity   string
	beside     string // if it isn't empty, the figure is divided by this program's
	wanted     float64
	least      bool
}

var bars = []bar{
	{"echo, 1 connection", "messages/s", "Go's net", 1.25, true},
	{"echo, 64 connections", "messages/s", "Go's net", 1.15, true},
	{"echo, 1,000 connections", "messages/s", "Go's net", 1.15, true},
	{"echo, 1 connection", "CPU µs/message", "epoll loop in C", 1.2, false},
	{"echo, 64 connections", "CPU µs/message", "epoll loop in C", 1.08, false},
	{"echo, 1,000 connections", "CPU µs/message", "epoll loop in C", 1.08, false},
	{"echo, system calls", "calls/message", "", 2.2, false},
	{"get, 10,000 at once", "ms beyond the delay", "Go's net", 0.40, false},
	{"get, 10,000 at once", "ms beyond the delay", "net/http", 0.20, false},
	{"get, 10,000 at once", "CPU µs/request", "Go's net", 0.45, false},
	{"get, 10,000 at once", "peak MiB", "", 10, false},
	{"get, system calls", "calls/request", "", 9, false},
	{"spawn, one at a time", "ns", "goroutines", 0.45, false},
	{"spawn, 1,000 at a time", "ns", "goroutines", 0.45, false},
	{"yield, 1,000 tasks", "ns", "goroutines", 0.30, false},
	{"timer", "CPU ns", "goroutines", 0.35, false},
	{"sleep, 1,000,000 tasks", "bytes each", "", 250, false},
	{"wake, GOMAXPROCS=1", "ns", "", 2500, false},
	{"wake, GOMAXPROCS=2", "ns", "", 2500, false},
	{"idle, echo", "bytes each", "", 300, false},
	{"idle, echo", "CPU µs in 2 s", "", 0, false},
	{"idle, serve", "bytes each", "", 8192, false},
	{"idle, serve", "CPU µs in 2 s", "", 0, false},
	{"serve, wrk", "requests/s", "net/http", 1, true},
	{"serve, ab", "failed", "", 0, false},
}

// showBars prints every goal, and whether it was missed.
func (d *data) showBars(w io.Writer) {
	fmt.Fprintf(w, "%-44s%-12s%9s %7s\n", "", "beside", "measured", "wanted")
	for _, b := range bars {
		s := d.find(b.experiment, ours, b.quantity)
		if s == nil {
			continue
		}
		v, text := s.median(), ""
		if b.beside != "" {
			v = s.over(d.find(b.experiment, b.beside, b.quantity))
			text = fmt.Sprintf("%.2f", v)
		} else {
			text = digits(v)
		}
		sign, met := "≤ ", v <= b.wanted
		if b.least {
			sign, met = "≥ ", v >= b.wanted
		}
		fmt.Fprintf(w, "%-23s %-19s %-15s %5s %7s", b.experiment, b.quantity, b.beside, text, sign+digits(b.wanted))
		if !met {
			fmt.Fprint(w, " missed")
		}
		fmt.Fprintln(w)
	}
}
