// want: it has cut off 2 connections, want 0
package main

import "time"

// A Listener is where clients come from.
type Listener interface {
	// Accept yields the next connection, and nil when the listener is closed. If
	// it's closed between two polls, no connection is lost.
	Accept() Future[Conn]
	// Close refuses the connections that haven't been accepted yet.
	Close()
}

// A Conn is a connection, on which a client sends one request after the other.
type Conn interface {
	// Next yields the next request, and "" when the client has left. If it's
	// closed between two polls, nothing is lost.
	Next() Future[string]
	// Answer works, and sends the reply. Closing it cuts the reply off.
	Answer(request string) Future[struct{}]
	// Close hangs up.
	Close()
}

// Server serves the clients of a Listener, each connection in a task.
type Server struct {
	runtime  *Runtime
	listener Listener
	task     *JoinHandle[struct{}] // the one that accepts
	conns    map[*connection]bool
	draining bool
}

// NewServer starts to serve.
func NewServer(rt *Runtime, l Listener) *Server {
	s := &Server{runtime: rt, listener: l, conns: make(map[*connection]bool)}
	s.task = SpawnRemote(rt, Async(s.accept))
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
		c.task = Spawn(co.cx, Async(c.serve))
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
		request := Await(co, &next{c, c.conn.Next()})
		if request == "" {
			return struct{}{}
		}
		Await(co, c.conn.Answer(request))
	}
}

// next yields the next request, or "" if the server drains and none is there.
type next struct {
	c       *connection
	request Future[string]
}

func (n *next) Poll(cx *Context) (string, bool) {
	n.c.waker = cx.waker
	request, ready := n.request.Poll(cx) // first: one that's there is answered
	if !ready && n.c.server.draining {
		n.Close()
		return "", true
	}
	return request, ready
}

func (n *next) Close() error { return Close(n.request) }

// Drain ends the server: it accepts no more connections, closes the idle ones,
// waits for the requests under way until the end of the grace period, and cuts
// off the rest. It yields how many connections that were.
func (s *Server) Drain(grace time.Duration) Future[int] {
	return Async(func(co *Co) int {
		s.draining = true
		s.listener.Close()
		s.task.Cancel()
		Await(co, s.task)
		var tasks []Future[Result[struct{}]]
		for c := range s.conns {
			wakeLocal(c.waker) // the idle ones are to see that the server drains
			tasks = append(tasks, c.task)
		}
		Await(co, Timeout(JoinAll(tasks...), grace))
		for c := range s.conns {
			c.task.Cancel()
		}
		cut := 0
		for _, r := range Await(co, JoinAll(tasks...)) { // cancelled isn't gone yet
			if r.Err != nil {
				cut++
			}
		}
		return cut
	})
}
