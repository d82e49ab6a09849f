// want: after a slow client had got its answer|this poll has sent the last of them
package main

import "golang.org/x/sys/unix"

// Echoed is what Echo yields: how many bytes went back, and why it ended. That's
// nil if the client has finished and has got everything.
type Echoed struct {
	N   int
	Err error
}

// Echo is the server's side of a connection, as a future: it sends back what the
// client says. The calls are unix.Read and unix.Write, or a test's.
func Echo(read, write func(fd int, p []byte) (int, error), fd int) Future[Echoed] {
	return &echo{read: read, write: write, fd: fd}
}

type echo struct {
	read, write func(fd int, p []byte) (int, error)
	fd          int
	rest        []byte // what has come and isn't sent back yet
	sent        int
	slow        bool // a write did not take everything
	ended       bool // the client will say no more
}

// Poll reads once and writes once. If there's more, the kernel says so.
func (e *echo) Poll(cx *Context) (Echoed, bool) {
	err := e.receive()
	if err == nil {
		err = e.send()
	}
	if err == nil && e.ended && len(e.rest) == 0 {
		return Echoed{N: e.sent}, true
	}
	if err == nil {
		err = e.promise(cx)
	}
	if err != nil {
		return Echoed{N: e.sent, Err: err}, true
	}
	return Echoed{}, false
}

func (e *echo) receive() error {
	if e.ended {
		return nil
	}
	var buf [4096]byte
	n, err := ignoringEINTR(e.read, e.fd, buf[:])
	if err == unix.EAGAIN {
		return nil
	}
	e.rest = append(e.rest, buf[:n]...)
	e.ended = n == 0
	return err
}

func (e *echo) send() error {
	if len(e.rest) == 0 {
		return nil
	}
	n, err := ignoringEINTR(e.write, e.fd, e.rest)
	if err == unix.EAGAIN {
		return nil
	}
	e.sent += n
	e.rest = e.rest[n:]
	return err
}

// promise says when Poll is worth another call.
func (e *echo) promise(cx *Context) error {
	if !e.ended { // the end can be read forever
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
