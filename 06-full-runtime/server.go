package main

import "time"

// server accepts connections and serves HTTP on each. It is the future of its
// own accept loop, which newServer has made a task. To stop it, drain it.
type server struct {
	options  serverOptions
	runtime  *Runtime
	listener *Listener
	loop     *Coroutine[error]
	task     *JoinHandle[error]
	places   *Semaphore // for connections
	conns    map[*connection]bool
	free     []*worker // no connection has one of these, whichever is next takes it
	draining bool
	arrived  [bufferSize]byte // see connection.await
	counts   *counts          // for the page
	second   int64            // of dated
	dated    string           // for the replies
}

// serverOptions says what a server puts up with.
type serverOptions struct {
	Connections int           // at once; more wait in the kernel's queue
	Idle        time.Duration // without a byte, between two requests
	Read        time.Duration // for a whole request, however it trickles in
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

const freeWorkers = 64 // are kept; the others give back their memory

// newServer starts to serve on l, which belongs to the server from now on.
func newServer(rt *Runtime, l *Listener, o serverOptions) *server {
	s := &server{
		options: o, runtime: rt, listener: l,
		places: NewSemaphore(o.Connections),
		conns:  make(map[*connection]bool),
		counts: o.Counts,
	}
	if s.counts == nil {
		s.counts = new(counts)
	}
	s.loop = Async(s.accept)
	s.task = Spawn[error](rt, s)
	return s
}

func (s *server) Poll(cx *Context) (err error, ready bool) {
	if err, ready = s.loop.Poll(cx); ready {
		s.Close()
	}
	return err, ready
}

// accept is the loop. It has a place before it asks for a connection: one too
// many is not refused, but stays in the kernel's queue until another one ends.
func (s *server) accept(co *Co) error {
	for {
		Await(co, s.places.Acquire())
		got := Await(co, s.listener.Accept())
		if got.Err != nil {
			return got.Err
		}
		c := &connection{server: s, stream: got.Value, idle: Sleep{d: s.options.Idle}}
		s.conns[c] = true
		c.task = Spawn(s.runtime, c)
	}
}

// Close stops to listen. The connections that there are run on.
func (s *server) Close() error {
	s.draining = true
	s.loop.Close()
	for _, w := range s.free {
		w.coroutine.Close()
	}
	s.free = nil
	return s.listener.Close()
}

// drain ends the server: no new connections, the idle ones are closed, the
// others have until the end of the grace period. Then they are cancelled; it
// yields how many were.
func (s *server) drain() *Coroutine[int] {
	return Async(func(co *Co) (cut int) {
		s.draining = true
		s.task.Cancel()
		Await(co, s.task)
		var tasks []Future[Result[struct{}]]
		for c := range s.conns {
			wakeHere(c.waker) // the idle ones are to see that the server drains
			tasks = append(tasks, c.task)
		}
		Await(co, Timeout(JoinAll(tasks...), s.options.Grace))
		cut = len(s.conns)
		for c := range s.conns {
			c.task.Cancel()
		}
		Await(co, JoinAll(tasks...))
		return cut
	})
}
