package main

import "fmt"

// limit is how many cents an order may have before the auditor has a remark.
const limit = 500

// audit reads every entry. It ends when there are no more.
func (b *Bank) audit(t *Task) {
	for {
		entry, ok := b.entries.Receive(t)
		if !ok || entry.Cents == 0 {
			break
		}
		b.audited++
		switch {
		case entry.Refused:
			continue
		case entry.Cents > limit:
			fmt.Fprintf(b.out, "auditor: %s has paid %d cents at once\n", entry.From, entry.Cents)
		}
	}
	fmt.Fprintf(b.out, "auditor: %d entries\n", b.audited)
}
