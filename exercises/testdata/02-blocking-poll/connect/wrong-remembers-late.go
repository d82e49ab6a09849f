// want: Close has to find it
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
	return &dial{net: n, addrs: addrs}
}

type dial struct {
	net   Network
	addrs []string // those that haven't failed yet; the first is under way
	open  bool     // there is a socket
	fd    int
	errs  []error
}

func (d *dial) Poll(cx *Context) (Dialed, bool) {
	for len(d.addrs) > 0 {
		fd, open := d.fd, d.open
		var err error
		if open {
			err = d.net.Result(fd)
		} else if fd, err = d.net.Open(d.addrs[0]); err == nil {
			open = true
			err = d.net.Start(fd)
		}
		if open && err == nil {
			d.open = false
			return Dialed{FD: fd}, true
		}
		if open && err == unix.EAGAIN {
			if err = d.net.WakeWhenWritable(fd); err == nil {
				d.fd, d.open = fd, true
				return Dialed{}, false
			}
		}
		d.errs = append(d.errs, fmt.Errorf("%s: %w", d.addrs[0], err))
		d.addrs = d.addrs[1:]
		d.open = false
		if open {
			d.net.Close(fd)
		}
	}
	if len(d.errs) == 0 {
		return Dialed{FD: -1, Err: errors.New("there's no address to connect to")}, true
	}
	return Dialed{FD: -1, Err: errors.Join(d.errs...)}, true
}

// Close closes the socket that's being connected.
func (d *dial) Close() error {
	if !d.open {
		return nil
	}
	d.open = false
	return d.net.Close(d.fd)
}
