package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

func echo(args []string, stdout, stderr io.Writer) (status int) {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	addr := addressFlag(flags, "127.0.0.1:7777")
	if err := parse(flags, args, 0); err != nil {
		return misused(stderr, err)
	}
	return withListener(stderr, *addr, func(rt *Runtime, l *Listener) error {
		fmt.Fprintln(stdout, "echo listens at", l.Addr())
		return runToEnd(rt, EchoServer(l))
	})
}

// addressFlag defines -addr, and looks up its host, before there is a runtime. ":8080" means
// all addresses of this machine: at the unspecified IPv6 one, Listen listens for IPv4 too.
func addressFlag(flags *flag.FlagSet, usual string) *netip.AddrPort {
	addr := netip.MustParseAddrPort(usual)
	flags.Func("addr", "", func(text string) error {
		tcp, err := net.ResolveTCPAddr("tcp", text)
		if err != nil {
			return fmt.Errorf("%w (want HOST:PORT, such as %s)", err, usual)
		}
		if tcp.IP == nil {
			tcp.IP = net.IPv6unspecified
		}
		addr = netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), uint16(tcp.Port))
		return nil
	})
	return &addr
}

// withListener calls f with a runtime and a listener, and closes both afterwards.
func withListener(stderr io.Writer, addr netip.AddrPort, f func(*Runtime, *Listener) error) (status int) {
	return withRuntime(stderr, func(rt *Runtime) error {
		l, err := Listen(rt, addr)
		if errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("%w (another address: -addr HOST:PORT)", err)
		} else if err != nil {
			return err
		}
		defer l.Close()
		return f(rt, l)
	})
}

// EchoServer makes every connection of l a task. It's ready when Accept fails. If
// it's closed before, it stops accepting, and the connections run on.
func EchoServer(l *Listener) Future[error] {
	return Async(func(co *Co) error {
		for {
			accepted := Await(co, l.Accept())
			if accepted.Err != nil {
				return accepted.Err
			}
			Spawn[struct{}](co.cx, &echoConnection{stream: accepted.Value}).Close() // detaches the task
		}
	})
}

// echoConnection sends back what arrives, until the peer has finished. It's
// written by hand, so that a connection takes no more memory than its fields.
type echoConnection struct {
	stream *Stream
	rest   []byte // of what has arrived, not yet sent back
}

func (e *echoConnection) Poll(cx *Context) (struct{}, bool) {
	_, ready := e.transfer(cx) // how it ended makes no difference
	if ready {
		e.Close()
	}
	return struct{}{}, ready
}

// transfer is ready at the end, with io.EOF or a failure. It reads only when it
// has sent everything, so a peer that doesn't read its replies fills no memory.
func (e *echoConnection) transfer(cx *Context) (err error, ready bool) {
	for {
		if len(e.rest) == 0 {
			e.rest = nil // an idle connection holds no memory
			n, err, ready := e.stream.PollRead(cx, cx.Scratch())
			if err != nil || !ready {
				return err, ready
			}
			e.rest = cx.Scratch()[:n]
		}
		n, err, ready := e.stream.PollWrite(cx, e.rest)
		if e.rest = e.rest[n:]; err != nil || !ready {
			e.rest = slices.Clone(e.rest) // the next task overwrites the scratch buffer; at a later poll, another copy is harmless
			return err, ready
		}
	}
}

// Close closes the connection.
func (e *echoConnection) Close() error { return e.stream.Close() }
