package main

import (
	"fmt"
	"io"
)

// program prints what happens to three futures. What exactly, and in which
// order? Write it down in prediction.txt before you run anything.
func program(out io.Writer) {
	tea := &loud{out, "tea", 3}
	toast := &loud{out, "toast", 1}
	egg := &loud{out, "egg", 2}
	drinks := JoinAll[string](tea)
	fmt.Fprintln(out, "made")

	breakfast := JoinAll[string](toast, egg)
	for round := 1; round <= 2; round++ {
		fmt.Fprintln(out, "round", round)
		values, ready := breakfast.Poll(new(Context))
		fmt.Fprintln(out, len(values), ready)
	}

	fmt.Fprintln(out, "drinks")
	both := JoinAll[[]string](drinks, JoinAll[string]())
	both.Poll(new(Context))
	Close(both)
	fmt.Fprintln(out, "end")
}

// loud is ready at its n-th poll, and prints a line for each call.
type loud struct {
	out  io.Writer
	name string
	n    int
}

func (l *loud) Poll(*Context) (string, bool) {
	if l.n--; l.n > 0 {
		fmt.Fprintln(l.out, l.name, "not yet")
		return "", false
	}
	fmt.Fprintln(l.out, l.name, "ready")
	return l.name, true
}

func (l *loud) Close() error {
	fmt.Fprintln(l.out, l.name, "closed")
	return nil
}
