// want: WakeWhenWritable failed
package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// A Network has the calls that Dial needs. None of them waits.
type Network interface {
	// Open returns a new socket for this address.
	Open(addr string) (fd int, err error)
	// Start is startConnect: nil if fd is connected already, EAGAIN if the
	// connect is under way, or else why it failed.
	Start(fd int) error
	// Result is connectResult: nil if fd is connected, EAGAIN if the connect is
	// still under way, or else why it failed.
	Result(fd int) error
	// WakeWhenWritable asks for a poll at the end of a connect.
	WakeWhenWritable(fd int) error
	// Close closes fd.
	Close(fd int) error
}

// Dialed is what Dial yields: a connected socket, which belongs to the caller, or
// else -1 and an error.
type Dialed struct {
	FD  int
	Err error
}

// Dial is a future that yields a socket, connected to the first of the addresses
// that answers.
func Dial(n Network, addrs ...string) Future[Dialed] {
	return &dial{net: n, addrs: addrs, fd: -1}
}

type dial struct {
	net   Network
	addrs []string // those that haven't failed
	fd    int      // what's being connected to addrs[0], or -1
	errs  []error
}

func (d *dial) Poll(cx *Context) (Dialed, bool) {
	for len(d.addrs) > 0 {
		err := d.try()
		if err == nil {
			fd := d.fd
			d.fd = -1
			return Dialed{FD: fd}, true
		}
		if err == unix.EAGAIN && d.fd >= 0 {
			err = d.net.WakeWhenWritable(d.fd)
			if err == nil || err == unix.EAGAIN {
				return Dialed{}, false
			}
		}
		d.errs = append(d.errs, fmt.Errorf("%s: %w", d.addrs[0], err))
		d.Close()
		d.addrs = d.addrs[1:]
	}
	if len(d.errs) == 0 {
		return Dialed{FD: -1, Err: errors.New("dial: no address")}, true
	}
	return Dialed{FD: -1, Err: errors.Join(d.errs...)}, true
}

// try goes on with the first address.
func (d *dial) try() error {
	if d.fd >= 0 {
		return d.net.Result(d.fd)
	}
	fd, err := d.net.Open(d.addrs[0])
	if err != nil {
		return err
	}
	d.fd = fd
	return d.net.Start(fd)
}

func (d *dial) Close() error {
	fd := d.fd
	if d.fd = -1; fd < 0 {
		return nil
	}
	return d.net.Close(fd)
}
