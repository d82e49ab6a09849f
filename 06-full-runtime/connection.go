package main

// connection is the task of one connection. It has a worker only while a request
// is under way. Between two requests it has no coroutine and no buffer, only a
// timer, so ten thousand idle connections are cheap.
type connection struct {
	server *server
	stream *Stream
	task   *JoinHandle[struct{}]
	waker  Waker   // of the latest poll
	worker *worker // nil while idle
	idle   sleep
}

func (c *connection) Poll(cx *Context) (struct{}, bool) {
	c.waker = cx.waker
	for open := true; open; {
		var ready bool
		if c.worker == nil {
			open, ready = c.await(cx)
		} else if open, ready = c.worker.poll(cx); ready {
			c.server.putWorker(c.worker)
			c.worker = nil
		}
		if !ready {
			return struct{}{}, false
		}
	}
	c.Close()
	return struct{}{}, true
}

// await is ready when a request begins to arrive, or with false if none will.
// The worker takes the bytes out of the scratch buffer in the same poll.
func (c *connection) await(cx *Context) (open, ready bool) {
	s, buffer := c.server, cx.Scratch()[:bufferSize]
	if s.draining {
		c.stream.ready[readable] = true // a request may have come without an event yet
	}
	n, err, ready := c.stream.PollRead(cx, buffer)
	switch {
	case ready && err == nil:
		c.idle.Close()
		c.idle = sleep{d: s.options.Idle} // for the next time
		c.worker = s.takeWorker(c.stream, buffer[:n])
		return true, true
	case ready:
		return false, true
	case s.draining && !c.stream.ready[readable]: // otherwise only the budget is spent
		return false, true
	}
	_, late := c.idle.Poll(cx)
	return false, late
}

// Close gives back everything that the connection holds. Its place goes to the
// next connection.
func (c *connection) Close() error {
	s := c.server
	if !s.conns[c] {
		return nil
	}
	delete(s.conns, c)
	s.places.TryReceive()
	if len(s.conns) == 0 {
		wakeLocal(s.empty)
	}
	c.idle.Close()
	err := c.stream.Close()
	if c.worker != nil {
		Close(c.worker.coroutine)
	}
	return err
}
