// want: after a slow client had got its answer
package main

import "golang.org/x/sys/unix"

// Echoed is what an Echo yields: how many bytes went back, and why it ended,
// nil if the client has finished and has got everything.
type Echoed struct {
	N   int
	Err error
}

// Echo is the server's side of a connection, as a future: it sends back what
// the client says.
type Echo struct {
	read, write func(fd int, p []byte) (n int, err error) // unix.Read and unix.Write, or a test's
	fd          int
	rest        []byte // what has come and is not sent back yet
	sent        int
	ended       bool // the client will say no more
	slow        bool // a write did not take everything
}

func NewEcho(read, write func(int, []byte) (int, error), fd int) *Echo {
	return &Echo{read: read, write: write, fd: fd}
}

// Poll reads once and writes once. If there is more, the kernel says so.
func (e *Echo) Poll(cx *Context) (Echoed, bool) {
	if err := e.receive(); err != nil {
		return Echoed{e.sent, err}, true
	}
	if err := e.send(); err != nil {
		return Echoed{e.sent, err}, true
	}
	if e.ended && len(e.rest) == 0 {
		return Echoed{N: e.sent}, true
	}
	if err := e.promise(cx); err != nil {
		return Echoed{e.sent, err}, true
	}
	return Echoed{}, false
}

func (e *Echo) receive() error {
	if e.ended {
		return nil
	}
	var buf [4096]byte
	n, err := retry(e.read, e.fd, buf[:])
	if err == unix.EAGAIN {
		return nil
	}
	e.rest = append(e.rest, buf[:n]...)
	e.ended = n == 0
	return err
}

func (e *Echo) send() error {
	if len(e.rest) == 0 {
		return nil
	}
	n, err := retry(e.write, e.fd, e.rest)
	if err == unix.EAGAIN {
		return nil
	}
	e.sent += n
	e.rest = e.rest[n:]
	return err
}

// promise says when Poll is worth another call.
func (e *Echo) promise(cx *Context) error {
	if !e.ended { // the end can be read for ever
		if err := cx.WakeWhenReadable(e.fd); err != nil {
			return err
		}
	}
	e.slow = e.slow || len(e.rest) > 0
	if !e.slow {
		return nil
	}
	return cx.WakeWhenWritable(e.fd)
}
