package main

import "time"

// server accepts connections and serves HTTP on each of them. To stop it, drain it.
type server struct {
	options  serverOptions
	listener *Listener
	task     *JoinHandle[error]     // accepts connections
	places   *Channel[struct{}]     // has a value for each connection, and room for the others
	conns    map[*connection]bool   // all of them
	empty    Waker                  // drain waits until conns is empty
	free     []*worker              // without a connection
	draining bool
	counts   *counts // for the page
	second   int64   // of dated
	dated    string  // the Date header
}

// serverOptions says what a server puts up with.
type serverOptions struct {
	Connections int           // at once; more of them wait in the kernel's backlog
	Idle        time.Duration // without a byte, between two requests
	Read        time.Duration // for a whole request, however slowly it trickles in
	Write       time.Duration // for a whole reply to a client that reads slowly
	Grace       time.Duration // for the requests under way when the server drains
	Counts      *counts       // of what the runtime does, or nil
}

var defaultOptions = serverOptions{
	Connections: 20000,
	Idle:        time.Minute,
	Read:        10 * time.Second,
	Write:       30 * time.Second,
	Grace:       10 * time.Second,
}

const freeWorkers = 64 // The server keeps this many; others are closed after their work.

// newServer starts to serve on l, which belongs to the server from now on.
func newServer(cx *Context, l *Listener, o serverOptions) *server {
	s := &server{
		options:  o,
		listener: l,
		places:   NewChannel[struct{}](o.Connections),
		conns:    make(map[*connection]bool),
		counts:   o.Counts,
	}
	if s.counts == nil {
		s.counts = new(counts)
	}
	// Cancelled before its first poll, a body runs nothing, not even a deferred
	// call. So the listener has to belong to something else.
	s.task = Spawn(cx, Owning(s, Async(s.accept)))
	return s
}

// accept takes a place before it takes a connection. So the excess connection
// isn't refused: it stays in the kernel's backlog until another one ends.
func (s *server) accept(co *Co) error {
	defer s.Close()
	for {
		if err := Await(co, s.places.Send(struct{}{})); err != nil {
			return err
		}
		accepted := Await(co, s.listener.Accept())
		if accepted.Err != nil {
			return accepted.Err
		}
		c := &connection{server: s, stream: accepted.Value, idle: sleep{d: s.options.Idle}}
		s.conns[c] = true
		c.task = Spawn(co.cx, Future[struct{}](c))
		c.task.Close() // nothing awaits the handle, so the runtime reports a panic of the connection
	}
}

// Close stops listening. The connections run on.
func (s *server) Close() error {
	s.draining = true
	for _, w := range s.free {
		Close(w.coroutine)
	}
	s.free = nil
	return s.listener.Close()
}

// drain ends the server. It accepts no new connections and closes the idle
// ones. The others have the grace period to finish their requests, then they
// are cancelled. It yields how many that were.
func (s *server) drain() Future[int] {
	return Async(func(co *Co) (cut int) {
		s.task.Cancel()
		Await(co, s.task)
		for c := range s.conns {
			wakeLocal(c.waker) // so the idle ones see that the server drains
		}
		Await(co, Timeout(Future[struct{}](&emptied{s}), s.options.Grace))
		cut = len(s.conns)
		for c := range s.conns {
			c.task.Cancel()
		}
		Await(co, Future[struct{}](&emptied{s}))
		return cut
	})
}

// emptied is a future that is ready when the server has no connection anymore.
type emptied struct{ server *server }

func (e *emptied) Poll(cx *Context) (struct{}, bool) {
	e.server.empty = cx.waker
	return struct{}{}, len(e.server.conns) == 0
}

// busy counts the connections with a request under way.
func (s *server) busy() (n int) {
	for c := range s.conns {
		if c.worker != nil {
			n++
		}
	}
	return n
}
