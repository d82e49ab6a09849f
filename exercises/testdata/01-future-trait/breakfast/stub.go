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
// What the function keeps on its stack, Breakfast keeps in fields: yours to add.
type Breakfast struct {
	kitchen Kitchen
}

// NewBreakfast makes nothing yet.
func NewBreakfast(k Kitchen) *Breakfast { return &Breakfast{kitchen: k} }

// Poll is yours to write.
func (b *Breakfast) Poll(cx *Context) (string, bool) {
	return "", false // not started
}

// Close is yours to write.
func (b *Breakfast) Close() error {
	return nil
}
