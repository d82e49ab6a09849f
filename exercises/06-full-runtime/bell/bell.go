package main

import "sync"

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
}

// NewDoor makes a door with a bell. It uses mu, which isn't locked.
func NewDoor(k kernel, mu sync.Locker) (*Door, error) {
	heard, ring, err := k.open()
	return &Door{kernel: k, heard: heard, ring: ring, mu: mu}, err
}

// Wake asks for a poll of a task. Any goroutine calls it, at any time,
// also after Close. It's yours to write.
func (d *Door) Wake(task int) {}

// Wait returns the tasks that have been woken since the last Wait, in this
// order. If there are none, it first sleeps, once, until there's one, or until
// something else has happened. It's yours to write.
func (d *Door) Wait() (tasks []int) {
	return nil // not started
}

// Close gives the bell back. Nothing calls Wait anymore. It's yours to write.
func (d *Door) Close() {}
