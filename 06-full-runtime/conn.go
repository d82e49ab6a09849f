package main

import (
	"os"
	"time"
)

// Conn is a Stream as Go's libraries know it: an io.ReadWriteCloser for the
// body of one Async. Where a goroutine would block, the body is suspended, so
// bufio and net/http's readers and writers run on this runtime unchanged. But a
// body that holds a sync.Mutex meanwhile can stop the whole runtime.
type Conn struct {
	co       *Co
	stream   *Stream
	deadline time.Duration // since timers.start, or 0 for none
	timer    timer         // runs while the body waits
}

// Conn makes a Conn of s for the body that co belongs to.
func (co *Co) Conn(s *Stream) *Conn { return &Conn{co: co, stream: s} }

// SetTimeout makes all reads and writes fail with os.ErrDeadlineExceeded once d has passed,
// even if they needn't wait. So a byte now and then doesn't stretch the time, and nor does
// a flood. With 0 there's no limit.
func (c *Conn) SetTimeout(d time.Duration) {
	c.deadline = 0
	if d > 0 {
		c.deadline = c.co.cx.timers().after(d)
	}
}

func (c *Conn) late() bool { return c.deadline != 0 && c.deadline <= c.co.cx.timers().now() }

func (c *Conn) Read(p []byte) (n int, err error) {
	for !c.late() {
		n, err, ready := c.stream.PollRead(c.co.cx, p)
		if ready {
			return n, err
		}
		c.wait(readable)
	}
	return 0, os.ErrDeadlineExceeded
}

func (c *Conn) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		if c.late() {
			return written, os.ErrDeadlineExceeded
		}
		n, failure, ready := c.stream.PollWrite(c.co.cx, p[written:])
		if !ready {
			c.wait(writable)
		}
		written, err = written+n, failure
	}
	return written, err
}

// wait ends when another try makes sense, or when the time is over.
func (c *Conn) wait(dir direction) {
	if c.deadline != 0 {
		timers := c.co.cx.timers()
		timers.add(&c.timer, c.deadline, c.co.cx.waker)
		defer timers.remove(&c.timer)
	}
	c.co.wait(&c.stream.source, dir)
}

// Close closes the stream.
func (c *Conn) Close() error { return c.stream.Close() }

// Read yields how many bytes of p it has read: at least one, if p isn't empty, or an
// error. It's for a Race or a Timeout. In a body, Conn.Read is simpler.
func (s *Stream) Read(p []byte) Future[Result[int]] {
	return Async(func(co *Co) (r Result[int]) {
		r.Value, r.Err = co.Conn(s).Read(p)
		return r
	})
}

// Write yields how many bytes of p it has written: all, or an error.
func (s *Stream) Write(p []byte) Future[Result[int]] {
	return Async(func(co *Co) (r Result[int]) {
		r.Value, r.Err = co.Conn(s).Write(p)
		return r
	})
}
