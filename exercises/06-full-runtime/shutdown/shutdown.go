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
}

// NewServer starts to serve.
func NewServer(rt *Runtime, l Listener) *Server {
	s := &Server{runtime: rt, listener: l}
	SpawnRemote(rt, Async(s.accept))
	return s
}

func (s *Server) accept(co *Co) struct{} {
	for {
		conn := Await(co, s.listener.Accept())
		if conn == nil {
			return struct{}{}
		}
		Spawn(co.cx, Async(func(co *Co) struct{} { return s.serve(co, conn) }))
	}
}

func (s *Server) serve(co *Co, conn Conn) struct{} {
	defer conn.Close()
	for {
		request := Await(co, conn.Next())
		if request == "" {
			return struct{}{}
		}
		Await(co, conn.Answer(request))
	}
}

// Drain ends the server: it accepts no more connections, closes the idle ones,
// waits for the requests under way until the end of the grace period, and cuts
// off the rest. It yields how many connections that were. It's yours to write.
func (s *Server) Drain(grace time.Duration) Future[int] {
	return Async(func(*Co) int { return 0 }) // not started
}
