// want: has Turn taken away what the wake had put there
package main

// A kernel has the calls that a Reactor needs. What arm is given as data comes
// back with the event, as the Data of epoll and the Udata of kqueue do.
type kernel interface {
	// arm makes a wait report fd once, as soon as it is ready. It replaces what
	// fd was armed for.
	arm(fd int, data uint64)
	// disarm takes that back. What a wait has returned already, it has returned.
	disarm(fd int)
	// wait sleeps until there are events, and returns the data of each.
	wait() (data []uint64)
}

// Reactor knows who waits for which descriptor. One goroutine uses it.
type Reactor struct {
	kernel  kernel
	waiting map[uint32]registration // by number
	current map[int]uint32          // registration's number, by descriptor
	latest  uint32                  // registration's number
}

type registration struct {
	fd   int
	wake func()
}

func NewReactor(k kernel) *Reactor {
	return &Reactor{kernel: k, waiting: make(map[uint32]registration), current: make(map[int]uint32)}
}

// Register makes a Turn call wake once, when fd is ready. It replaces an
// earlier one of fd.
func (r *Reactor) Register(fd int, wake func()) {
	delete(r.waiting, r.current[fd])
	r.latest++
	r.current[fd] = r.latest
	r.waiting[r.latest] = registration{fd, wake}
	r.kernel.arm(fd, uint64(r.latest))
}

// Deregister undoes the Register of fd, which is about to be closed.
func (r *Reactor) Deregister(fd int) {
	if number, ok := r.current[fd]; ok {
		delete(r.waiting, number)
		delete(r.current, fd)
		r.kernel.disarm(fd)
	}
}

// Turn waits once, and calls the wake of each event whose registration is still
// there. A wake may register and forget whatever it likes.
func (r *Reactor) Turn() {
	for _, data := range r.kernel.wait() {
		number := uint32(data)
		if got, ok := r.waiting[number]; ok {
			got.wake()
			delete(r.waiting, number)
			delete(r.current, got.fd)
		}
	}
}
