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
	if status, ok := parse(flags, args, 0, stdout, stderr); !ok {
		return status
	}
	addr, err := resolve(*at)
	if err != nil {
		return misused(stderr, err)
	}
	return withRuntime(stderr, func(rt *Runtime) error {
		l, err := listenAt(rt, addr)
		if err != nil {
			return err
		}
		defer l.Close()
		fmt.Fprintln(stdout, "echo listens at", l.Addr())
		end, err := BlockOn(rt, EchoServer(l))
		if err == nil {
			err = end
		}
		return err
	})
}

// echoServer is the future that EchoServer makes.
type echoServer struct {
	listener  *Listener
	accepting Future[Result[*Stream]]
}

// EchoServer makes every connection of l a task of its own. It is ready with an
// error when it can't accept connections anymore.
func EchoServer(l *Listener) Future[error] {
	return &echoServer{listener: l, accepting: l.Accept()}
}

func (s *echoServer) Poll(cx *Context) (error, bool) {
	for {
		accepted, ready := s.accepting.Poll(cx)
		if !ready {
			return nil, false
		}
		if accepted.Err != nil {
			return accepted.Err, true
		}
		Spawn(cx, Future[struct{}](&echoConnection{stream: accepted.Value}))
		s.accepting = s.listener.Accept()
	}
}

// Close stops accepting. The connections are tasks, and they run on.
func (s *echoServer) Close() error { return Close(s.accepting) }

// echoConnection is a future that sends back what arrives on a connection,
// until the peer has finished or the connection fails.
type echoConnection struct {
	stream *Stream
	rest   []byte // of what has arrived, not yet sent back
}

// Poll reads only after it has sent everything. From a peer that doesn't read
// the replies it reads nothing more, so no memory fills up with them.
func (e *echoConnection) Poll(cx *Context) (struct{}, bool) {
	for {
		if err, ready := e.send(cx); err != nil || !ready {
			return e.finish(err, ready)
		}
		n, err, ready := e.stream.PollRead(cx, cx.Scratch())
		if err != nil || !ready {
			return e.finish(err, ready) // io.EOF comes here too: everything is sent
		}
		e.rest = cx.Scratch()[:n]
		if err, ready := e.send(cx); err != nil || !ready {
			e.rest = slices.Clone(e.rest) // the next task overwrites the scratch buffer
			return e.finish(err, ready)
		}
	}
}

func (e *echoConnection) send(cx *Context) (error, bool) {
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

// finish closes the connection if it is over. The reason doesn't matter: the
// peer knows it, or is gone.
func (e *echoConnection) finish(err error, ready bool) (struct{}, bool) {
	if err != nil {
		e.Close()
	}
	return struct{}{}, ready
}

// Close closes the connection.
func (e *echoConnection) Close() error { return e.stream.Close() }
