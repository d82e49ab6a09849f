// want: once more after a Close in which
package main

// A Kitchen makes the futures that a breakfast is made of.
type Kitchen interface {
	Boil() Future[string]              // yields some water, or "" if there is none
	Steep(water string) Future[string] // yields some tea
	Toast() Future[string]             // yields some toast
}

// Breakfast is a function of three steps, as a state machine.
type Breakfast struct {
	kitchen Kitchen
	state   string
	step    Future[string] // what is under way
	tea     string
}

// NewBreakfast makes nothing yet.
func NewBreakfast(k Kitchen) *Breakfast { return &Breakfast{kitchen: k} }

func (b *Breakfast) Poll(cx *Context) (string, bool) {
	if b.state == "" {
		b.state = "boiling"
		b.step = b.kitchen.Boil()
	}
	for {
		value, ready := b.step.Poll(cx)
		if !ready {
			return "", false
		}
		b.step = nil
		switch b.state {
		case "boiling":
			if value == "" {
				b.state = "finished"
				return "no breakfast", true
			}
			b.state = "steeping"
			b.step = b.kitchen.Steep(value)
		case "steeping":
			b.tea, b.state = value, "toasting"
			b.step = b.kitchen.Toast()
		default:
			b.state = "finished"
			return b.tea + " and " + value, true
		}
	}
}

func (b *Breakfast) Close() error {
	if b.step == nil {
		return nil
	}
	err := Close(b.step)
	b.step = nil
	return err
}
