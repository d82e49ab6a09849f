// want: in the same grace period

package main

import (
	"slices"
	"time"
)

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
	acceptor *JoinHandle[struct{}]
	clients  []*guest // those that are connected
	draining bool
}

// guest is a connection and its task.
type guest struct {
	conn   Conn
	handle *JoinHandle[struct{}]
	waker  Waker         // while it waits for a request
	since  time.Duration // when its latest request was seen
}

// NewServer starts to serve.
func NewServer(rt *Runtime, l Listener) *Server {
	s := &Server{runtime: rt, listener: l}
	s.acceptor = SpawnRemote(rt, Async(s.accept))
	return s
}

func (s *Server) accept(co *Co) struct{} {
	for {
		conn := Await(co, s.listener.Accept())
		if conn == nil {
			return struct{}{}
		}
		c := &guest{conn: conn}
		s.clients = append(s.clients, c)
		c.handle = Spawn(co.cx, Async(func(co *Co) struct{} { return s.serve(co, c) }))
	}
}

func (s *Server) serve(co *Co, c *guest) struct{} {
	defer s.forget(c)
	defer c.conn.Close()
	for {
		request := Await[string](co, &nextOrEnd{server: s, client: c, next: c.conn.Next()})
		if request == "" {
			return struct{}{}
		}
		c.since = s.runtime.now
		Await(co, c.conn.Answer(request))
	}
}

func (s *Server) forget(c *guest) {
	s.clients = slices.DeleteFunc(s.clients, func(other *guest) bool { return c == other })
}

// nextOrEnd yields the next request, or "" when the client has left, or when there's
// none and the server drains.
type nextOrEnd struct {
	server *Server
	client *guest
	next   Future[string] // nil when it's over
}

func (i *nextOrEnd) Poll(cx *Context) (string, bool) {
	i.client.waker = cx.waker
	request, ready := i.next.Poll(cx)
	if ready {
		i.next = nil
		i.client.waker = nil
		return request, true
	}
	if i.server.draining {
		i.Close()
		return "", true
	}
	return "", false
}

func (i *nextOrEnd) Close() error {
	next := i.next
	i.next = nil
	i.client.waker = nil
	return Close(next)
}

// Drain ends the server: it accepts no more connections, closes the idle ones,
// waits for the requests under way until the end of the grace period, and cuts
// off the rest. It yields how many connections that were.
func (s *Server) Drain(grace time.Duration) Future[int] {
	return Async(func(co *Co) int {
		start := s.runtime.now
		s.draining = true
		s.listener.Close()
		Await[Result[struct{}]](co, s.acceptor)
		for _, c := range s.clients {
			wakeLocal(c.waker)
		}
		// left is how long the request of c may still take.
		left := func(c *guest) time.Duration { return grace - (s.runtime.now - max(start, c.since)) }
		cut := 0
		for len(s.clients) > 0 {
			clients := slices.Clone(s.clients)
			wait := grace
			var late []*guest
			for _, c := range clients {
				wait = min(wait, left(c))
				if left(c) <= 0 {
					late = append(late, c)
				}
			}
			if len(late) == 0 {
				Await(co, Timeout(JoinAll(handlesOf(clients)...), wait))
				continue
			}
			for _, c := range late {
				c.handle.Cancel()
			}
			Await(co, JoinAll(handlesOf(late)...))
			cut += len(late)
		}
		return cut
	})
}

func handlesOf(clients []*guest) (all []Future[Result[struct{}]]) {
	for _, c := range clients {
		all = append(all, c.handle)
	}
	return all
}
