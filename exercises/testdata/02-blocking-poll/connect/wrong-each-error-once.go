// want: also if two errors are the same
package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

type Network interface {
	Open(addr string) (fd int, err error)
	Start(fd int) error
	Result(fd int) error
	WakeWhenWritable(fd int) error
	Close(fd int) error
}

type Dialed struct {
	FD  int
	Err error
}

func Dial(n Network, addrs ...string) Future[Dialed] {
	return &dial{net: n, addrs: addrs, fd: -1}
}

type dial struct {
	net   Network
	addrs []string
	i     int
	fd    int
	errs  []error
}

func (d *dial) Poll(cx *Context) (Dialed, bool) {
	for d.i < len(d.addrs) {
		err := d.step()
		if err == nil {
			fd := d.fd
			d.fd = -1
			return Dialed{FD: fd}, true
		}
		if err == unix.EAGAIN {
			if err = d.net.WakeWhenWritable(d.fd); err == nil {
				return Dialed{}, false
			}
		}
		if d.fd >= 0 {
			d.net.Close(d.fd)
			d.fd = -1
		}
		if !errors.Is(errors.Join(d.errs...), err) { // not the same again and again
			d.errs = append(d.errs, fmt.Errorf("%s: %w", d.addrs[d.i], err))
		}
		d.i++
	}
	if len(d.addrs) == 0 {
		return Dialed{-1, errors.New("no address to dial")}, true
	}
	return Dialed{-1, errors.Join(d.errs...)}, true
}

func (d *dial) step() (err error) {
	if d.fd >= 0 {
		return d.net.Result(d.fd)
	}
	fd, err := d.net.Open(d.addrs[d.i])
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	d.fd = fd
	return d.net.Start(fd)
}

func (d *dial) Close() error {
	if d.fd < 0 {
		return nil
	}
	fd := d.fd
	d.fd = -1
	return d.net.Close(fd)
}
