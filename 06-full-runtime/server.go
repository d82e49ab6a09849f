package main

// server accepts connections and serves HTTP on each of them, until drain.
type server struct {
	options  serverOptions
	listener *Listener
	task     *JoinHandle[error]   // accepts connections
	places   *Channel[struct{}]   // holds a value for each connection, and for the next one
	conns    map[*connection]bool // all of them
	drainer  Waker                // of the task that waits until conns is empty
	free     []*worker            // at most freeWorkers, without a connection
	draining bool                 // set by Close: each connection ends with its request
	replies  int                  // so far
	second   int64                // since 1970, of date
	date     string               // for replies, made once a second
}

// newServer starts to serve on l, which is the server's from now on. It's for tasks.
func newServer(cx *Context, l *Listener, o serverOptions) *server {
	s := &server{options: o, listener: l, places: NewChannel[struct{}](o.Connections), conns: make(map[*connection]bool)}
	// A body that is closed before its first poll runs nothing, no deferred call
	// either. So Owning holds the server, not only a deferred call in accept.
	s.task = Spawn(cx, Owning(s, Async(s.accept)))
	return s
}

// accept takes a place before it takes a connection, so the excess connection
// stays in the kernel's backlog until another one ends.
func (s *server) accept(co *Co) error {
	defer s.Close()
	for {
		Await(co, s.places.Send(struct{}{}))
		accepted := Await(co, s.listener.Accept())
		if accepted.Err != nil {
			return accepted.Err
		}
		c := &connection{server: s, stream: accepted.Value, idle: sleep{d: s.options.Idle}}
		s.conns[c] = true
		c.task = Spawn[struct{}](co.cx, c)
		c.task.Close() // detaches the task: nothing awaits the handle, so the runtime reports a panic
	}
}

// Close stops listening. Connections end with the request that they serve; drain wakes the idle ones.
func (s *server) Close() error {
	s.draining = true
	for _, w := range s.free {
		Close(w.coroutine)
	}
	s.free = nil
	return s.listener.Close()
}

// drain ends the server, once. Idle connections are closed, the others have the grace
// period to finish. It yields how many had to be cancelled then.
func (s *server) drain() Future[int] {
	return Async(func(co *Co) (cut int) {
		s.task.Cancel()
		Await(co, s.task)
		for c := range s.conns {
			wakeLocal(&c.task.task) // so the idle ones see that the server drains
		}
		Await(co, Timeout(Async(s.emptied), s.options.Grace))
		cut = len(s.conns)
		for c := range s.conns {
			c.task.Cancel()
		}
		s.emptied(co)
		return cut
	})
}

func (s *server) emptied(co *Co) (none struct{}) {
	s.drainer = co.cx.waker
	for len(s.conns) > 0 {
		co.suspend() // until the last connection wakes drainer
	}
	return none
}

// busy counts the connections with a request under way, other than for figures.
func (s *server) busy() (n int) {
	for c := range s.conns {
		if c.worker != nil && !c.worker.streaming {
			n++
		}
	}
	return n
}

// connection is a task. It has a worker only while a request is under way. Between
// two requests it has no coroutine and no buffer, so ten thousand of them are cheap.
type connection struct {
	server *server
	stream *Stream
	task   *JoinHandle[struct{}]
	worker *worker // nil while idle
	idle   sleep
}

func (c *connection) Poll(cx *Context) (struct{}, bool) {
	for open := true; open; {
		ready := false
		if w := c.worker; w == nil {
			open, ready = c.pollIdle(cx)
		} else if w.coroutine.Poll(cx); w.stream == nil { // all that came is answered
			open, ready, c.worker = w.open, true, nil
			c.server.putWorker(w)
		} else if w.streaming && c.server.draining {
			open, ready = false, true
		}
		if !ready {
			return struct{}{}, false
		}
	}
	c.Close()
	return struct{}{}, true
}

// pollIdle is ready with true when a request begins to arrive, with false if none will. The
// worker takes the bytes out of the scratch buffer in the same poll.
func (c *connection) pollIdle(cx *Context) (open, ready bool) {
	s, buffer := c.server, cx.Scratch()[:bufferSize]
	if s.draining {
		c.stream.ready[readable] = true // a request may have come without an event: ask the kernel
	}
	n, err, ready := c.stream.PollRead(cx, buffer)
	switch {
	case ready && err == nil:
		c.idle.Close()
		c.idle = sleep{d: s.options.Idle} // for the next time
		c.worker = s.takeWorker(c.stream, buffer[:n])
		return true, true
	case ready, s.draining && !c.stream.ready[readable]: // the end; or nothing has come (if the stream is ready, only the budget is spent)
		return false, true
	}
	_, late := c.idle.Poll(cx)
	return false, late
}

// Close gives back everything that the connection holds, its place too.
func (c *connection) Close() error {
	s := c.server
	if !s.conns[c] {
		return nil
	}
	delete(s.conns, c)
	s.places.TryReceive()
	if len(s.conns) == 0 {
		wakeLocal(s.drainer)
	}
	c.idle.Close()
	if c.worker != nil {
		defer Close(c.worker.coroutine) // after the stream, so nothing is written anymore
	}
	return c.stream.Close()
}
