// want: who is asked last, before an idle connection is closed
package main

import "time"

// A Listener is where clients come from.
type Listener interface {
	// Accept yields the next connection, and nil when the listener is closed.
	// To close it, between two polls, loses nobody.
	Accept() Future[Conn]
	// Close refuses whoever has not been accepted yet.
	Close()
}

// A Conn is a connection, on which a client sends one request after the other.
type Conn interface {
	// Next yields the next request, and "" when the client has left. Between
	// two polls it can be closed, and loses nothing.
	Next() Future[string]
	// Answer works, and sends the reply. To close it is to cut the reply off.
	Answer(request string) Future[struct{}]
	// Close hangs up.
	Close()
}

// Server serves the clients of a Listener, each connection in a task.
type Server struct {
	runtime  *Runtime
	listener Listener
	task     *JoinHandle[struct{}] // that accepts
	conns    map[*connection]bool
	draining bool
}

// NewServer starts to serve.
func NewServer(rt *Runtime, l Listener) *Server {
	s := &Server{runtime: rt, listener: l, conns: make(map[*connection]bool)}
	s.task = Spawn(rt, Async(s.accept))
	return s
}

func (s *Server) accept(co *Co) struct{} {
	for {
		conn := Await(co, s.listener.Accept())
		if conn == nil {
			return struct{}{}
		}
		c := &connection{server: s, conn: conn}
		s.conns[c] = true
		c.task = Spawn(s.runtime, Async(c.serve))
	}
}

// connection is one connection, which is served in a task of its own.
type connection struct {
	server *Server
	conn   Conn
	task   *JoinHandle[struct{}]
	waker  Waker // of the latest poll that waited for a request
}

func (c *connection) serve(co *Co) struct{} {
	defer c.conn.Close()
	defer delete(c.server.conns, c)
	for {
		request := Await(co, Race(c.conn.Next(), Future[struct{}](&stop{c}))).A
		if request == "" {
			return struct{}{}
		}
		Await(co, c.conn.Answer(request))
	}
}

// stop is ready when the server drains.
type stop struct{ c *connection }

func (s *stop) Poll(cx *Context) (struct{}, bool) {
	s.c.waker = cx.waker
	return struct{}{}, s.c.server.draining
}

// Drain ends the server: it accepts nobody any more, closes what is idle, waits
// for the requests under way until the end of the grace period, and cuts off
// the rest. It yields how many connections that were.
func (s *Server) Drain(grace time.Duration) Future[int] {
	return Async(func(co *Co) int {
		s.draining = true
		s.listener.Close()
		s.task.Cancel()
		Await(co, s.task)
		var tasks []Future[Result[struct{}]]
		for c := range s.conns {
			wakeHere(c.waker) // the idle ones are to see that the server drains
			tasks = append(tasks, c.task)
		}
		Await(co, Timeout(JoinAll(tasks...), grace))
		cut := len(s.conns)
		for c := range s.conns {
			c.task.Cancel()
		}
		Await(co, JoinAll(tasks...)) // cancelled is not yet gone
		return cut
	})
}
