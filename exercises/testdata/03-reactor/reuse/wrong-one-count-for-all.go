// want: share a count
package main

type kernel interface {
	arm(fd int, data uint64)
	disarm(fd int)
	wait() (data []uint64)
}

type Reactor struct {
	kernel kernel
	seq    uint64
	by     map[int]*reg
}

type reg struct {
	data uint64
	wake func()
}

func NewReactor(k kernel) *Reactor { return &Reactor{kernel: k, by: map[int]*reg{}} }

const bits = 21

func (r *Reactor) Register(fd int, wake func()) {
	r.seq = (r.seq + 1) % 65537
	d := r.seq<<bits | uint64(fd)
	r.by[fd] = &reg{d, wake}
	r.kernel.arm(fd, d)
}

func (r *Reactor) Deregister(fd int) {
	if _, ok := r.by[fd]; ok {
		delete(r.by, fd)
		r.kernel.disarm(fd)
	}
}

func (r *Reactor) Turn() {
	for _, d := range r.kernel.wait() {
		fd := int(d & (1<<bits - 1))
		if g := r.by[fd]; g != nil && g.data == d {
			delete(r.by, fd)
			g.wake()
		}
	}
}
