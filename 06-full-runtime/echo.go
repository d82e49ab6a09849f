package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
)

func echo(args []string, stdout, stderr io.Writer) (status int) {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	at := flags.String("addr", "127.0.0.1:7777", "")
	if status, ok := parse(flags, args, 0, stderr); !ok {
		return status
	}
	addr, err := resolve(*at)
	if err != nil {
		return misused(stderr, err)
	}
	return withRuntime(stderr, func(rt *Runtime) error {
		l, err := Listen(rt, addr)
		if err != nil {
			return err
		}
		defer l.Close()
		fmt.Fprintln(stdout, "echo listens at", l.Addr())
		end, err := BlockOn(rt, NewEchoServer(l))
		if err == nil {
			err = end
		}
		return err
	})
}

// EchoServer is a future that is ready with an error, when it cannot accept any
// more. Every connection is a task of its own.
type EchoServer struct {
	listener  *Listener
	accepting *Accepting
	buffer    buffer
}

// NewEchoServer serves who connects to l.
func NewEchoServer(l *Listener) *EchoServer {
	return &EchoServer{listener: l, accepting: l.Accept()}
}

func (s *EchoServer) Poll(cx *Context) (error, bool) {
	for {
		accepted, ready := s.accepting.Poll(cx)
		if !ready {
			return nil, false
		}
		if accepted.Err != nil {
			return accepted.Err, true
		}
		Spawn(cx.task.runtime, &Echo{stream: accepted.Value, buffer: &s.buffer})
		s.accepting = s.listener.Accept()
	}
}

// Close stops accepting. The connections are tasks, and go on.
func (s *EchoServer) Close() error { return s.accepting.Close() }

// Echo is a future that sends back what comes over a connection, until the peer
// has finished or is gone.
type Echo struct {
	stream *Stream
	buffer *buffer // of all connections: between two polls there is nothing in it
	rest   []byte  // of what came, not yet sent
}

// buffer is what can be read at once. Ten thousand futures share one, by a
// pointer, which is shorter than a slice.
type buffer [32 << 10]byte

// Poll reads when all is sent and not before. A peer that does not read is not
// read from, and no memory fills with what it might read one day.
func (e *Echo) Poll(cx *Context) (struct{}, bool) {
	for {
		if err, ready := e.send(cx); err != nil || !ready {
			return e.finish(err, ready)
		}
		n, err, ready := e.stream.PollRead(cx, e.buffer[:])
		if err != nil || !ready {
			return e.finish(err, ready) // io.EOF comes here too: all is sent
		}
		e.rest = e.buffer[:n]
		if err, ready := e.send(cx); err != nil || !ready {
			e.rest = slices.Clone(e.rest) // the buffer is another's next
			return e.finish(err, ready)
		}
	}
}

func (e *Echo) send(cx *Context) (error, bool) {
	for len(e.rest) > 0 {
		n, err, ready := e.stream.PollWrite(cx, e.rest)
		if err != nil || !ready {
			return err, ready
		}
		e.rest = e.rest[n:]
	}
	e.rest = nil // an idle connection holds no memory
	return nil, true
}

// finish closes the connection, if it is over. Why does not matter: its peer
// either knows, or is gone.
func (e *Echo) finish(err error, ready bool) (struct{}, bool) {
	if err != nil {
		e.Close()
	}
	return struct{}{}, ready
}

// Close gives the connection back.
func (e *Echo) Close() error { return e.stream.Close() }
