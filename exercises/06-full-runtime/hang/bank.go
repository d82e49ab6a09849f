package main

import (
	"fmt"
	"io"
)

// Order moves some cents from one account to another.
type Order struct {
	From, To string
	Cents    int
}

// Entry is what the auditor gets to read.
type Entry struct {
	Order
	Refused bool
}

// Bank has accounts, and a session for each client.
type Bank struct {
	out      io.Writer
	accounts map[string]int
	ledger   Lock // whoever holds it may change accounts
	entries  *Lane[Entry]
	over     *Lane[string] // names of the sessions that have ended
	audited  int
}

// serve carries out the orders of one client.
func (b *Bank) serve(t *Task, client string, orders *Lane[Order]) {
	for {
		order, ok := orders.Receive(t)
		if !ok {
			b.over.Send(t, client)
			return
		}
		b.ledger.Acquire(t)
		refused := b.accounts[order.From] < order.Cents
		if !refused {
			b.accounts[order.From] -= order.Cents
			b.accounts[order.To] += order.Cents
		}
		b.entries.Send(t, Entry{order, refused}) // in the order of the ledger
		b.ledger.Release()
		fmt.Fprintf(b.out, "%s: %d cents to %s, refused %t\n", client, order.Cents, order.To, refused)
	}
}

// close waits for the sessions to end, and then for the auditor.
func (b *Bank) close(t *Task, sessions int) {
	for range sessions {
		client, _ := b.over.Receive(t)
		fmt.Fprintf(b.out, "%s has left\n", client)
	}
	b.entries.Close()
}
