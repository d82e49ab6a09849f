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

// EchoServer makes every connection of l a task of its own. It is ready with an
// error when it can't accept connections anymore.
func EchoServer(l *Listener) Future[error] { return &echoServer{l, l.Accept()} }

type echoServer struct {
	listener *Listener
	next     Future[Result[*Stream]]
}

func (s *echoServer) Poll(cx *Context) (error, bool) {
	for {
		accepted, ready := s.next.Poll(cx)
		if !ready {
			return nil, false
		}
		if accepted.Err != nil {
			return accepted.Err, true
		}
		Spawn[struct{}](cx, &echoConnection{stream: accepted.Value}).Close()
		s.next = s.listener.Accept()
	}
}

// Close stops accepting. The connections are tasks, and they run on.
func (s *echoServer) Close() error { return Close(s.next) }

// echoConnection is a future that sends back what arrives on a connection,
// until the peer has finished or the connection fails.
type echoConnection struct {
	stream *Stream
	rest   []byte // of what has arrived, not yet sent back
}

func (e *echoConnection) Poll(cx *Context) (struct{}, bool) {
	_, ready := e.transfer(cx)
	if ready {
		e.Close() // the peer knows the reason, or is gone
	}
	return struct{}{}, ready
}

// transfer is ready at the end, with io.EOF or a failure. It reads only when it
// has sent everything. From a peer that doesn't read its replies it takes
// nothing more, so no memory fills up with them.
func (e *echoConnection) transfer(cx *Context) (err error, ready bool) {
	fresh := false // whether rest is in the scratch buffer, which the next task overwrites
	for {
		for len(e.rest) > 0 {
			n, err, ready := e.stream.PollWrite(cx, e.rest)
			if e.rest = e.rest[n:]; err != nil || !ready {
				if fresh {
					e.rest = slices.Clone(e.rest)
				}
				return err, ready
			}
		}
		e.rest = nil // an idle connection holds no memory
		n, err, ready := e.stream.PollRead(cx, cx.Scratch())
		if err != nil || !ready {
			return err, ready
		}
		e.rest, fresh = cx.Scratch()[:n], true
	}
}

// Close closes the connection.
func (e *echoConnection) Close() error { return e.stream.Close() }
