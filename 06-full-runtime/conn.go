package main

import (
	"os"
	"time"
)

// Conn is a Stream as Go's libraries know it: an io.ReadWriteCloser for the
// body of one coroutine. What would block a goroutine suspends the body, so
// bufio and net/http's readers and writers run on this runtime unchanged. A
// body that holds a sync.Mutex meanwhile stops the whole runtime.
type Conn struct {
	co      *Co
	stream  *Stream
	timeout *Sleep // of the reads and writes from now on, or nil
}

// Conn makes a Conn of s for the body that co belongs to.
func (co *Co) Conn(s *Stream) *Conn { return &Conn{co: co, stream: s} }

// SetTimeout gives all reads and writes from now on d together, after which
// they fail with os.ErrDeadlineExceeded. However many there are, a peer that
// sends a byte at a time cannot stretch it. Zero means no limit.
func (c *Conn) SetTimeout(d time.Duration) {
	if c.timeout != nil {
		c.timeout.Close()
	}
	c.timeout = nil
	if d > 0 {
		c.timeout = NewSleep(d)
	}
}

func (c *Conn) Read(p []byte) (n int, err error) {
	for {
		n, err, ready := c.stream.PollRead(c.co.cx, p)
		if ready {
			return n, err
		}
		if err := c.wait(readable); err != nil {
			return 0, err
		}
	}
}

func (c *Conn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err, ready := c.stream.PollWrite(c.co.cx, p[written:])
		written += n
		if err != nil {
			return written, err
		}
		if !ready {
			if err := c.wait(writable); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

func (c *Conn) wait(dir direction) error {
	if c.timeout != nil {
		late := c.timeout.done
		if !late {
			_, late = c.timeout.Poll(c.co.cx)
		}
		if late {
			c.stream.reactor.leave(&c.stream.source, dir, c.co.cx.waker)
			return os.ErrDeadlineExceeded
		}
	}
	c.co.suspend(c)
	return nil
}

// Close closes the stream and stops the timer.
func (c *Conn) Close() error {
	c.SetTimeout(0)
	return c.stream.Close()
}
