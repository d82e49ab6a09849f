package main

// Yield is a future that is pending once: it lets the other tasks have a turn.
type Yield struct{ yielded bool }

func (y *Yield) Poll(cx *Context) (struct{}, bool) {
	if !y.yielded {
		y.yielded = true
		wakeHere(cx.waker) // the task is queued last
		return struct{}{}, false
	}
	return struct{}{}, true
}
