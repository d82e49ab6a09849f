package main

import (
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"

	"golang.org/x/sys/unix"
)

// Response is what HTTPGet yields: a status and a body, or else an error.
type Response struct {
	Status int
	Body   string
	Err    error
}

// HTTPGet makes one GET request for a path such as "/50/hello".
func HTTPGet(addr netip.AddrPort, path string) Future[Response] {
	return &httpGet{maxReply: 1 << 28, addr: addr, path: path, state: starting, fd: -1}
}

type httpGet struct {
	maxReply int // bytes; a longer reply is an error
	addr     netip.AddrPort
	path     string
	state    string
	fd       int      // the socket; -1 while there is none
	cx       *Context // the one of the latest poll
	rest     []byte   // what must still be sent of the request
	reply    []byte   // what has arrived so far
}

const ( // the states, from top to bottom; an error or Close leads to the last one
	starting   = "start"
	connecting = "connect" // the connect is under way; its end makes fd writable
	sending    = "write"   // some of the request is still to be written to fd
	receiving  = "read"    // the reply is read from fd, until the peer has finished
	finished   = "finish"  // the Response has been returned, or Close was called
)

// Poll goes on until it would have to wait. It takes at most 64 steps, so that a
// peer that sends without a pause doesn't keep other futures from their turn.
func (g *httpGet) Poll(cx *Context) (Response, bool) {
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
	// ← an event that comes here isn't lost: if fd is ready already, we're woken at once
	if err == nil || err == unix.EAGAIN {
		if g.state == receiving {
			err = cx.WakeWhenReadable(g.fd)
		} else {
			err = cx.WakeWhenWritable(g.fd)
		}
	}
	if err != nil {
		return g.finish(err), true
	}
	return Response{}, false
}

func (g *httpGet) start() error {
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

func (g *httpGet) send() error {
	n, err := ignoringEINTR(unix.Write, g.fd, g.rest)
	g.rest = g.rest[n:]
	if len(g.rest) == 0 {
		g.state = receiving
	}
	return err
}

// receive reads once. It returns io.EOF when the peer has finished sending.
func (g *httpGet) receive() error {
	had := len(g.reply)
	g.reply = slices.Grow(g.reply, 4096)
	n, err := ignoringEINTR(unix.Read, g.fd, g.reply[had:cap(g.reply)])
	g.reply = g.reply[:had+n]
	switch {
	case err == nil && n == 0:
		err = io.EOF
	case had+n > g.maxReply:
		err = fmt.Errorf("more than %d bytes", g.maxReply)
	case had <= maxHeader && had+n > maxHeader: // by now the header must have ended
		_, _, err = parseHead(g.reply)
	}
	return err
}

// finish makes the Response. A reset after a complete reply does no harm.
func (g *httpGet) finish(end error) Response {
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

// Close closes the socket, unless that has been done.
func (g *httpGet) Close() error {
	if g.fd >= 0 {
		g.cx.Deregister(g.fd) // before unix.Close, after which another socket may get this number
		unix.Close(g.fd)
	}
	g.state, g.fd = finished, -1
	return nil
}
