// want: it is the number of another connection
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

	woken  []int
	parked bool
	closed bool
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
	if d.parked {
		d.parked = false
		d.ringBell()
	}
}

func (d *Door) ringBell() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	for {
		_, err := d.kernel.write(d.ring, one[:])
		if err != unix.EINTR {
			return
		}
		d.mu.Unlock() // let the others have a turn
		d.mu.Lock()
	}
}

// Wait returns the tasks that have been woken since the last Wait, in this
// order. If there are none, it first sleeps, once.
func (d *Door) Wait() (tasks []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.woken) == 0 {
		d.parked = true
		d.mu.Unlock()
		d.kernel.wait(d.heard)
		d.mu.Lock()
		if !d.parked {
			d.emptyBell()
		}
		d.parked = false
	}
	tasks, d.woken = d.woken, nil
	return tasks
}

func (d *Door) emptyBell() {
	var buf [8]byte
	d.kernel.read(d.heard, buf[:])
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
