// want: was closed by the wake before it
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
	kernel  kernel
	waiting map[int]registration // by descriptor
	latest  uint32               // registration's number
}

type registration struct {
	number uint32
	wake   func()
}

func NewReactor(k kernel) *Reactor {
	return &Reactor{kernel: k, waiting: make(map[int]registration)}
}

// Register makes a Turn call wake once, when fd is ready. It replaces an
// earlier registration of fd.
func (r *Reactor) Register(fd int, wake func()) {
	r.latest++ // for all descriptors: a count in the entry would start again with it
	r.waiting[fd] = registration{r.latest, wake}
	r.kernel.arm(fd, uint64(r.latest)<<32|uint64(uint32(fd)))
}

// Deregister undoes the Register of fd, which is about to be closed.
func (r *Reactor) Deregister(fd int) {
	if _, ok := r.waiting[fd]; ok {
		r.kernel.disarm(fd)
	}
}

// Turn waits once, and calls the wake of each event whose registration is still
// there. A wake may register and deregister whatever it likes.
func (r *Reactor) Turn() {
	for _, data := range r.kernel.wait() {
		fd, number := int(uint32(data)), uint32(data>>32)
		if got, ok := r.waiting[fd]; ok && got.number == number {
			delete(r.waiting, fd)
			got.wake()
		}
	}
}
