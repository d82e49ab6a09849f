package main

import "fmt"

// Countdown returns a future whose first n polls say "not yet", and whose next
// poll yields value. It's a leaf: a future that isn't made of other futures.
func Countdown(n int, value string) Future[string] { return &countdown{n, value} }

type countdown struct {
	left  int // how many polls still say "not yet"; -1 once it has finished
	value string
}

func (c *countdown) Poll(*Context) (string, bool) {
	if c.left < 0 {
		panic("Countdown polled after it finished")
	}
	c.left--
	fmt.Printf("  %s → %t", c.value, c.left < 0)
	if c.left >= 0 {
		return "", false
	}
	return c.value, true
}

// Tea returns a future that stands for a function of two lines:
//
//	water := await(Countdown(2, "hot water"))
//	return await(Countdown(1, "tea from "+water))
//
// What that function keeps on its stack, the future keeps in its fields.
func Tea() Future[string] { return &tea{"boiling", Countdown(2, "hot water")} }

type tea struct {
	state string         // "boiling" and "steeping" are the two lines; then "finished"
	step  Future[string] // what that line waits for
}

func (t *tea) Poll(cx *Context) (string, bool) {
	switch t.state {
	case "boiling":
		water, ready := t.step.Poll(cx)
		if !ready {
			return "", false
		}
		t.state, t.step = "steeping", Countdown(1, "tea from "+water)
		return t.Poll(cx) // at once: "not yet" is only true after the new step has said so
	case "steeping":
		cup, ready := t.step.Poll(cx)
		if ready {
			t.state = "finished"
		}
		return cup, ready
	default:
		panic("Tea polled after it finished")
	}
}
