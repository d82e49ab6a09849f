package main

// Yield is a future that is pending once: the other tasks have a turn meanwhile.
func Yield() Future[struct{}] { return new(yield) }

type yield struct{ yielded bool }

func (y *yield) Poll(cx *Context) (struct{}, bool) {
	if y.yielded {
		return struct{}{}, true
	}
	y.yielded = true
	wakeLocal(cx.waker) // queued last
	return struct{}{}, false
}
