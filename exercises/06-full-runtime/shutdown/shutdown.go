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
}

// NewServer starts to serve.
func NewServer(rt *Runtime, l Listener) *Server {
	s := &Server{runtime: rt, listener: l}
	Spawn(rt, Async(s.accept))
	return s
}

func (s *Server) accept(co *Co) struct{} {
	for {
		conn := Await(co, s.listener.Accept())
		if conn == nil {
			return struct{}{}
		}
		Spawn(s.runtime, Async(func(co *Co) struct{} { return s.serve(co, conn) }))
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

// Drain ends the server: it accepts nobody any more, closes what is idle, waits
// for the requests under way until the end of the grace period, and cuts off
// the rest. It yields how many connections that were. It is yours to write.
func (s *Server) Drain(grace time.Duration) Future[int] {
	return Async(func(*Co) int { return 0 }) // not started
}
