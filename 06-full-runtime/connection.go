package main

// connection is the task of one connection. While a request is under way it
// has a worker. In between it has nothing but its timer, so that ten thousand
// idle ones are cheap: no coroutine, no buffer.
type connection struct {
	server *server
	stream *Stream
	task   *JoinHandle[struct{}]
	waker  Waker   // of the latest poll
	worker *worker // nil while idle
	idle   Sleep
}

func (c *connection) Poll(cx *Context) (struct{}, bool) {
	c.waker = cx.waker
	for open := true; open; {
		var ready bool
		if c.worker == nil {
			open, ready = c.await(cx)
		} else {
			open, ready = c.work(cx)
		}
		if !ready {
			return struct{}{}, false
		}
	}
	c.Close()
	return struct{}{}, true
}

// await is ready when a request begins to arrive, or with false when none will.
// It reads into a buffer that all connections share, as nothing else is polled
// before the worker has taken the bytes out.
func (c *connection) await(cx *Context) (open, ready bool) {
	s := c.server
	if s.draining {
		c.stream.ready[readable] = true // a request may be there of which no event has told yet
	}
	n, err, ready := c.stream.PollRead(cx, s.arrived[:])
	if ready {
		c.idle.Close()
		if err == nil {
			c.idle = Sleep{d: s.options.Idle} // for the next time
			c.worker = s.takeWorker(c.stream, s.arrived[:n])
		}
		return err == nil, true
	}
	if s.draining && !c.stream.ready[readable] { // it is, if the budget is spent
		return false, true
	}
	_, late := c.idle.Poll(cx)
	return false, late
}

// work is ready when there is no request left to answer.
func (c *connection) work(cx *Context) (open, ready bool) {
	w := c.worker
	if open, ready = w.poll(cx); ready {
		c.worker = nil
		c.server.putWorker(w)
	}
	return open, ready
}

// Close gives back what the connection holds. Its place goes to the next one.
func (c *connection) Close() error {
	delete(c.server.conns, c)
	c.server.places.Release()
	c.idle.Close()
	err := c.stream.Close()
	if c.worker != nil {
		c.worker.coroutine.Close()
	}
	return err
}
