package main

import (
	"fmt"
	"io"
)

// orders are what the clients want.
var orders = map[string][]Order{
	"Ann": {{"Ann", "Bob", 300}, {"Ann", "Cem", 900}, {"Ann", "Bob", 200}},
	"Bob": {{"Bob", "Cem", 100}, {"Bob", "Ann", 0}, {"Bob", "Ann", 600}, {"Bob", "Cem", 50}},
	"Cem": {{"Cem", "Ann", 700}, {"Cem", "Bob", 20}, {"Cem", "Ann", 10}, {"Cem", "Bob", 30}},
}

// program runs the bank for a day, and tells what is left of it.
func program(out io.Writer) (*Runtime, *Bank) {
	rt := new(Runtime)
	b := &Bank{
		out:      out,
		accounts: map[string]int{"Ann": 1000, "Bob": 1000, "Cem": 1000},
		ledger:   Lock{name: "the ledger"},
		entries:  NewLane[Entry]("the entries", 1),
		over:     NewLane[string]("the sessions that have ended", 1),
	}
	rt.Spawn("the auditor", b.audit)
	for _, client := range []string{"Ann", "Bob", "Cem"} {
		lane := NewLane[Order]("the orders of "+client, 1)
		rt.Spawn("session of "+client, func(t *Task) { b.serve(t, client, lane) })
		rt.Spawn("client "+client, func(t *Task) {
			for _, order := range orders[client] {
				lane.Send(t, order)
			}
			lane.Close()
		})
	}
	rt.Spawn("the bank", func(t *Task) { b.close(t, len(orders)) })
	rt.Run()
	fmt.Fprintf(out, "left: %d tasks\n", len(rt.tasks))
	for _, line := range rt.Report() {
		fmt.Fprintf(out, "  %s\n", line)
	}
	return rt, b
}
