// want: sleeps forever

package main

import (
	"sync"

	"golang.org/x/sys/unix"
)

// A kernel has the calls that a bell needs. Only wait sleeps.
type kernel interface {
	// open makes a bell. Writing to ring rings it. Then heard is readable, until
	// what was written has been read. On Linux this is an eventfd, and both are
	// one descriptor. Elsewhere it's a pipe.
	open() (heard, ring int, err error)
	// write and read are those of golang.org/x/sys/unix: on an error n is -1.
	write(fd int, p []byte) (n int, err error)
	read(fd int, p []byte) (n int, err error)
	// wait returns when heard is readable, at once if it's so already, or when
	// something else has happened.
	wait(heard int)
	close(fd int)
}

// Door is where an executor sleeps, and where other goroutines ring to wake it.
type Door struct {
	kernel      kernel
	heard, ring int
	mu          sync.Locker
	woken       []int // guarded by mu: not yet returned by Wait
	parked      bool  // guarded by mu: may be asleep, and the bell hasn't been rung yet
	closed      bool  // guarded by mu
}

// NewDoor makes a door with a bell. It uses mu, which isn't locked.
func NewDoor(k kernel, mu sync.Locker) (*Door, error) {
	heard, ring, err := k.open()
	return &Door{kernel: k, heard: heard, ring: ring, mu: mu}, err
}

// Wake asks for a poll of a task. Any goroutine calls it, at any time,
// also after Close. It rings under the lock, so that Close can't close the bell
// meanwhile, and another descriptor get its number.
func (d *Door) Wake(task int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.woken = append(d.woken, task)
	if !d.parked {
		return
	}
	d.parked = false // once, however many wakes come before it's up
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	for range 3 {
		if _, err := d.kernel.write(d.ring, one); err != unix.EINTR {
			return
		}
	}
}

// Wait returns the tasks that have been woken since the last Wait, in this
// order. If there are none, it first sleeps, once, until there's one, or until
// something else has happened.
func (d *Door) Wait() (tasks []int) {
	asleep := d.announce()
	if asleep {
		d.kernel.wait(d.heard) // at once if the bell has been rung since
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parked = false
	if asleep {
		d.kernel.read(d.heard, make([]byte, 8)) // nothing, if it was something else
	}
	tasks, d.woken = d.woken, nil
	return tasks
}

// announce reports whether to sleep, and from here on a wake rings: no wake comes
// between the look and the announcement.
func (d *Door) announce() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parked = len(d.woken) == 0
	return d.parked
}

// Close gives the bell back. Nothing calls Wait anymore.
func (d *Door) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	d.kernel.close(d.heard)
	if d.ring != d.heard {
		d.kernel.close(d.ring)
	}
}
