// want: once more after a Close
package main

// A Kitchen makes the futures that a breakfast is made of.
type Kitchen interface {
	Boil() Future[string]              // yields some water, or "" if there is none
	Steep(water string) Future[string] // yields some tea
	Toast() Future[string]             // yields some toast
}

// Breakfast is this function, if functions could wait in the middle of a line:
//
//	func breakfast(k Kitchen) string {
//		water := await(k.Boil())
//		if water == "" {
//			return "no breakfast"
//		}
//		tea := await(k.Steep(water))
//		toast := await(k.Toast())
//		return tea + " and " + toast
//	}
//
// What the function keeps on its stack, Breakfast keeps in fields.
type Breakfast struct {
	kitchen Kitchen
	state   state
	step    Future[string] // under way in that state; nil if there is none
	tea     string
}

type state int // starting → boiling → steeping → toasting → finished

const (
	starting state = iota
	boiling
	steeping
	toasting
	finished
)

// NewBreakfast makes nothing yet.
func NewBreakfast(k Kitchen) *Breakfast { return &Breakfast{kitchen: k} }

func (b *Breakfast) Poll(cx *Context) (string, bool) {
	if b.state == starting {
		b.state, b.step = boiling, b.kitchen.Boil()
	}
	for {
		value, ready := b.step.Poll(cx)
		if !ready {
			return "", false
		}
		switch b.state {
		case boiling:
			if value == "" {
				b.state, b.step = finished, nil
				return "no breakfast", true
			}
			b.state, b.step = steeping, b.kitchen.Steep(value)
		case steeping:
			b.tea = value // needed when the toast is there, polls later
			b.state, b.step = toasting, b.kitchen.Toast()
		case toasting:
			b.state, b.step = finished, nil
			return b.tea + " and " + value, true
		}
	}
}

// Close closes the step that's under way.
func (b *Breakfast) Close() error {
	step := b.step
	b.state = finished
	return Close(step)
}
