package main

import (
	"os"
	"time"
)

// Conn is a Stream as Go's libraries know it: an io.ReadWriteCloser for the
// body of one Async. What would block a goroutine suspends the body, so bufio
// and net/http's readers and writers run on this runtime unchanged. A body that
// holds a sync.Mutex meanwhile stops the whole runtime.
type Conn struct {
	co       *Co
	stream   *Stream
	deadline time.Duration // see timers; 0 if there's none
	timer    timer         // runs while the body waits
}

// Conn makes a Conn of s for the body that co belongs to.
func (co *Co) Conn(s *Stream) *Conn { return &Conn{co: co, stream: s} }

// SetTimeout gives all reads and writes from now on d together. Each one that
// begins or waits after that fails with os.ErrDeadlineExceeded, also if it could
// be done at once. So a peer can't stretch the time by sending a byte now and
// then, or by never pausing. Zero means no limit.
func (c *Conn) SetTimeout(d time.Duration) {
	c.deadline = 0
	if d > 0 {
		c.deadline = c.co.cx.timers().after(d)
	}
}

func (c *Conn) Read(p []byte) (n int, err error) {
	for {
		if c.late() {
			return 0, os.ErrDeadlineExceeded
		}
		n, err, ready := c.stream.PollRead(c.co.cx, p)
		if ready {
			return n, err
		}
		c.wait(readable)
	}
}

func (c *Conn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		if c.late() {
			return written, os.ErrDeadlineExceeded
		}
		n, err, ready := c.stream.PollWrite(c.co.cx, p[written:])
		written += n
		if err != nil {
			return written, err
		}
		if !ready {
			c.wait(writable)
		}
	}
	return written, nil
}

func (c *Conn) late() bool {
	return c.deadline != 0 && c.co.cx.timers().passed(c.deadline)
}

// wait suspends the body until the stream may be ready or the time is over. On
// every way out, also if the body is unwound here, it leaves neither a waker nor
// a timer behind. The stream stays open, since other tasks may use it.
func (c *Conn) wait(dir direction) {
	timers, waker := c.co.cx.timers(), c.co.cx.waker
	if c.deadline != 0 {
		timers.add(&c.timer, c.deadline, waker)
	}
	defer func() {
		timers.remove(&c.timer)
		c.stream.reactor.removeWaker(&c.stream.source, dir, waker)
	}()
	c.co.suspend()
}

// Close closes the stream.
func (c *Conn) Close() error { return c.stream.Close() }
