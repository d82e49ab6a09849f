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

// await is ready when a request begins to arrive, or returns open == false if
// none will. The worker takes the bytes out of the scratch buffer before
// another task is polled.
func (c *connection) await(cx *Context) (open, ready bool) {
	s := c.server
	if s.draining {
		c.stream.ready[readable] = true // a request may have arrived without an event so far
	}
	n, err, ready := c.stream.PollRead(cx, cx.Scratch()[:bufferSize])
	if ready {
		c.idle.Close()
		if err == nil {
			c.idle = sleep{d: s.options.Idle} // for the next time
			c.worker = s.takeWorker(c.stream, cx.Scratch()[:n])
		}
		return err == nil, true
	}
	if s.draining && !c.stream.ready[readable] { // if it is true, only the budget is spent
		return false, true
	}
	_, late := c.idle.Poll(cx)
	return false, late
}

// work is ready when all requests that have arrived are answered.
func (c *connection) work(cx *Context) (open, ready bool) {
	w := c.worker
	if open, ready = w.poll(cx); ready {
		c.worker = nil
		c.server.putWorker(w)
	}
	return open, ready
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
