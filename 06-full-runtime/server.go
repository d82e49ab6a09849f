package main

import (
	"cmp"
	"time"
)

// server accepts connections and serves HTTP on each of them, until drain.
type server struct {
	options  serverOptions
	listener *Listener
	task     *JoinHandle[error]   // accepts connections
	places   *Channel[struct{}]   // holds a value for each connection
	conns    map[*connection]bool // all of them
	empty    Waker                // of drain, which waits until conns is empty
	free     []*worker            // at most freeWorkers, without a connection
	draining bool
	counts   *counts // for the page
	second   int64   // of date
	date     string  // for the replies
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

// newServer starts to serve on l, which belongs to the server from now on.
func newServer(cx *Context, l *Listener, o serverOptions) *server {
	s := &server{options: o, listener: l, counts: cmp.Or(o.Counts, new(counts))}
	s.places = NewChannel[struct{}](o.Connections)
	s.conns = make(map[*connection]bool)
	// A body that is closed before its first poll runs nothing, no deferred call
	// either. So the server has to belong to something else than accept.
	s.task = Spawn(cx, Owning(s, Async(s.accept)))
	return s
}

// accept takes a place before it takes a connection. The excess connection isn't
// refused: it stays in the kernel's backlog until another one ends.
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
		c.task.Close() // so the runtime reports a panic: nothing awaits the handle
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

// drain ends the server. The idle connections are closed, the others have the
// grace period to finish. It yields how many had to be cancelled then.
func (s *server) drain() Future[int] {
	return Async(func(co *Co) (cut int) {
		s.task.Cancel()
		Await(co, s.task)
		for c := range s.conns {
			wakeLocal(c.waker) // so the idle ones see that the server drains
		}
		Await(co, Timeout[struct{}](emptied{s}, s.options.Grace))
		cut = len(s.conns)
		for c := range s.conns {
			c.task.Cancel()
		}
		Await[struct{}](co, emptied{s})
		return cut
	})
}

// emptied is a future that is ready when the server has no connections anymore.
type emptied struct{ *server }

func (e emptied) Poll(cx *Context) (struct{}, bool) {
	e.empty = cx.waker
	return struct{}{}, len(e.conns) == 0
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
