package main

import (
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"

	"golang.org/x/sys/unix"
)

// Response is what an HTTPGet yields: a status and a body, or else an error.
type Response struct {
	Status int
	Body   string
	Err    error
}

// HTTPGet is a leaf future: one GET request over a socket of its own.
type HTTPGet struct {
	MaxReply int // bytes; a longer reply is an error

	addr  netip.AddrPort
	path  string
	state string   // one of those below
	fd    int      // -1 while there is none
	cx    *Context // of the latest poll
	rest  []byte   // of the request, not yet sent
	reply []byte   // so far
}

const ( // the states of an HTTPGet, from top to bottom
	starting   = "start"
	connecting = "connect" // until fd is writable
	sending    = "write"   // whenever fd is writable
	receiving  = "read"    // whenever fd is readable, until the peer ends
	finished   = "finish"  // has returned its Response, or was closed
)

// NewHTTPGet asks for a path such as "/50/hello", but not before its first Poll.
func NewHTTPGet(addr netip.AddrPort, path string) *HTTPGet {
	return &HTTPGet{MaxReply: 1 << 28, addr: addr, path: path, state: starting, fd: -1}
}

// Poll goes as far as it can without waiting. After some steps it lets the
// others have a turn, however fast the peer sends.
func (g *HTTPGet) Poll(cx *Context) (Response, bool) {
	g.cx = cx
	var err error
	for step := 0; step < 64 && err == nil; step++ {
		switch g.state {
		case starting:
			err = g.start()
		case connecting:
			if err = connectResult(g.fd); err == nil {
				g.state = sending
			}
		case sending:
			err = g.send()
		case receiving:
			err = g.receive()
		case finished:
			panic("HTTPGet polled after it finished")
		}
	}
	if err == nil || err == unix.EAGAIN {
		// Without this a future that returns false might never be polled again.
		ask := cx.WakeWhenWritable
		if g.state == receiving {
			ask = cx.WakeWhenReadable
		}
		err = ask(g.fd)
	}
	if err != nil {
		return g.finish(err), true
	}
	return Response{}, false
}

func (g *HTTPGet) start() error {
	path, err := url.ParseRequestURI(g.path)
	if err != nil {
		return err
	}
	g.rest = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path.RequestURI(), g.addr)
	if g.fd, err = openSocket(g.addr); err != nil {
		return err
	}
	g.state = connecting
	return startConnect(g.fd, g.addr)
}

func (g *HTTPGet) send() error {
	n, err := retry(unix.Write, g.fd, g.rest)
	if g.rest = g.rest[n:]; len(g.rest) == 0 {
		g.state = receiving
	}
	return err
}

// receive reads once, and returns io.EOF at the peer's end.
func (g *HTTPGet) receive() error {
	had := len(g.reply)
	g.reply = slices.Grow(g.reply, 4096)
	n, err := retry(unix.Read, g.fd, g.reply[had:cap(g.reply)])
	g.reply = g.reply[:had+n]
	switch {
	case err == nil && n == 0:
		err = io.EOF
	case had+n > g.MaxReply:
		err = fmt.Errorf("more than %d bytes", g.MaxReply)
	case had <= maxHeader && had+n > maxHeader: // the header must have ended
		_, _, err = parseHead(g.reply)
	}
	return err
}

// finish makes the Response. A reset after a complete reply does no harm.
func (g *HTTPGet) finish(end error) Response {
	r := Response{Err: end}
	if g.state == receiving && (end == io.EOF || end == unix.ECONNRESET) {
		r = parseReply(g.reply, end)
	}
	if r.Err != nil {
		r.Err = fmt.Errorf("GET http://%s%s: %s: %w", g.addr, g.path, g.state, r.Err)
	}
	g.Close()
	return r
}

// Close gives the descriptor back, at any moment and any number of times.
func (g *HTTPGet) Close() error {
	fd := g.fd
	g.state, g.fd = finished, -1
	if fd < 0 {
		return nil
	}
	g.cx.Forget(fd) // first: after Close the number may be another connection's
	return unix.Close(fd)
}
