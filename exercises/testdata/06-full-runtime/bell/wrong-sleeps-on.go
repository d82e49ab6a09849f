// want: calls wait a second time

package main

import (
	"encoding/binary"
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

	woken  []int // guarded by mu; since the last Wait
	asleep bool  // guarded by mu; a Wait sleeps or is about to, and hasn't been rung for
	closed bool  // guarded by mu
}

// NewDoor makes a door with a bell. It uses mu, which isn't locked.
func NewDoor(k kernel, mu sync.Locker) (*Door, error) {
	heard, ring, err := k.open()
	return &Door{kernel: k, heard: heard, ring: ring, mu: mu}, err
}

// Wake asks for a poll of a task. Any goroutine calls it, at any time,
// also after Close.
func (d *Door) Wake(task int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.woken = append(d.woken, task)
	if d.asleep {
		d.asleep = false
		d.rings()
	}
}

// rings rings the bell. The caller holds mu.
func (d *Door) rings() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	for {
		if _, err := d.kernel.write(d.ring, one[:]); err != unix.EINTR {
			return
		}
	}
}

// Wait returns the tasks that have been woken since the last Wait, in this
// order. If there are none, it first sleeps, once, until there's one, or until
// something else has happened.
func (d *Door) Wait() (tasks []int) {
	for {
		d.mu.Lock()
		slept := len(d.woken) == 0
		d.asleep = slept
		d.mu.Unlock()
		rung := false
		if slept {
			d.kernel.wait(d.heard)
			var buf [8]byte
			n, _ := d.kernel.read(d.heard, buf[:])
			rung = n > 0
		}
		d.mu.Lock()
		d.asleep = false
		tasks, d.woken = d.woken, nil
		d.mu.Unlock()
		if len(tasks) > 0 || !rung {
			return tasks
		}
		// That ring was for the Wait before, which had its task already.
	}
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
