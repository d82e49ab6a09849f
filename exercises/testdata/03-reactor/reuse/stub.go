package main

// A kernel has the calls that a Reactor needs. What arm is given as data comes
// back with the event, as the Data of epoll and the Udata of kqueue do.
type kernel interface {
	// arm makes a wait report fd once, as soon as it's ready. It replaces what
	// fd was armed for.
	arm(fd int, data uint64)
	// disarm takes that back. What a wait has returned already, it has returned.
	disarm(fd int)
	// wait sleeps until there are events, and returns the data of each.
	wait() (data []uint64)
}

// Reactor knows what waits for which descriptor. One goroutine uses it.
type Reactor struct {
	kernel kernel
}

func NewReactor(k kernel) *Reactor {
	return &Reactor{kernel: k}
}

// Register makes a Turn call wake once, when fd is ready. It replaces an
// earlier registration of fd. It's yours to write.
func (r *Reactor) Register(fd int, wake func()) {} // not started

// Deregister undoes the Register of fd, which is about to be closed. It's yours
// to write.
func (r *Reactor) Deregister(fd int) {}

// Turn waits once, and calls the wake of each event whose registration is still
// there. A wake may register and deregister whatever it likes. It's yours to write.
func (r *Reactor) Turn() {}
