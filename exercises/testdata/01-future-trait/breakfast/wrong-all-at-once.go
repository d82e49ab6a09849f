// want: the toast was made before the tea
package main

// A Kitchen makes the futures that a breakfast is made of.
type Kitchen interface {
	Boil() Future[string]              // yields "hot water", or "" if there is none
	Steep(water string) Future[string] // yields "tea from hot water"
	Toast() Future[string]             // yields "toast"
}

// Breakfast is this function, if functions could wait in the middle of a line:
//
//	func breakfast(k Kitchen) string {
//		water := wait(k.Boil())
//		if water == "" {
//			return "no breakfast"
//		}
//		tea := wait(k.Steep(water))
//		toast := wait(k.Toast())
//		return tea + " and " + toast
//	}
//
// What the function keeps on its stack, Breakfast keeps in fields.
type Breakfast struct {
	kitchen Kitchen
	state   state
	step    Future[string] // under way in that state; nil if there is none
	toast   Future[string]
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
		b.state, b.step, b.toast = boiling, b.kitchen.Boil(), b.kitchen.Toast()
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
			b.state, b.step = toasting, b.toast
		case toasting:
			b.state, b.step = finished, nil
			return b.tea + " and " + value, true
		}
	}
}

// Close abandons the step that is under way.
func (b *Breakfast) Close() error {
	step := b.step
	b.state, b.step = finished, nil
	return Close(step)
}
