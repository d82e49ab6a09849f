package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// misdeeds are what a client may do with its connection, and what it sees of
// the server in return.
var misdeeds = []struct {
	name  string
	play  func(c *client)
	limit func(o *serverOptions) // of the server's patience, nil if there is enough of it
}{
	{name: "connects and leaves", play: func(*client) {}},
	{name: "connects and resets", play: resets},
	{name: "half a request, then leaves", play: sends(getHello[:20])},
	{name: "half a request, then resets", play: func(c *client) { resets(c.send(getHello[:20])) }},
	{name: "half a request, then stalls", play: func(c *client) { c.send(getHello[:20]).refused(408) }, limit: func(o *serverOptions) { o.Read = 50 * time.Millisecond }},
	{name: "half a request, then finishes sending", play: func(c *client) { finishes(c.send(getHello[:20])).refused(400) }},
	{name: "a request, then leaves", play: sends(getLate)},
	{name: "a request, then resets", play: func(c *client) { resets(c.send(getLate)) }},
	{name: "a request, then finishes sending", play: func(c *client) {
		finishes(c.send(getLate)).expect(200, "late")
		c.expectEnd()
	}},
	{name: "leaves in the middle of the reply", play: func(c *client) { c.send(getLong).Read(make([]byte, 1)) }},
	{name: "resets in the middle of the reply", play: func(c *client) {
		c.send(getLong).Read(make([]byte, 1))
		resets(c)
	}},
	{name: "does not read", play: func(c *client) {
		for err := error(nil); err == nil; _, err = io.WriteString(c, getLong) {
		}
	}, limit: func(o *serverOptions) { o.Write = 50 * time.Millisecond }},
	{name: "a request in segments of one byte", play: func(c *client) {
		for i := range getHello {
			c.send(getHello[i : i+1])
		}
		c.expect(200, "hello")
	}},
	{name: "pipelined requests", play: func(c *client) {
		c.send(getHello+getLate+getHello).expect(200, "hello")
		c.expect(200, "late")
		c.expect(200, "hello")
	}},
	{name: "pipelined requests, then leaves", play: sends(getHello + getLate + getHello)},
	{name: "a bad target", play: func(c *client) { c.send("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n").refused(400) }},
	{name: "a bad header", play: func(c *client) { c.send("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n").refused(400) }},
	{name: "a bad version", play: func(c *client) { c.send("GET / HTTP/3.0\r\nHost: x\r\n\r\n").refused(505) }},
	{name: "two Content-Lengths", play: func(c *client) {
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab").refused(400)
	}},
	{name: "a bad chunk", play: func(c *client) {
		c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n").refused(400)
	}},
	{name: "rubbish", play: func(c *client) { c.send("\x16\x03\x01\x00\xff\x01\x00\r\n\r\n").refused(400) }},
	{name: "a header of 1 MB", play: func(c *client) {
		c.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", maxHeader) + "\r\n\r\n").refused(431)
	}},
	{name: "a header without end", play: func(c *client) {
		c.send("GET / HTTP/1.1\r\nHost: x\r\nX: ")
		go c.Write(bytes.Repeat([]byte("x"), 10*maxHeader)) // until the server has had enough
		c.expect(431, "longer than")
	}},
	{name: "a body of 100 MB", play: func(c *client) {
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
		go c.Write(make([]byte, 100_000_000))
		c.expect(405, "")
	}},
}

const getLate = "GET /20/late HTTP/1.1\r\nHost: x\r\n\r\n"

var getLong = "GET /0/" + strings.Repeat("x", maxHeader-100) + " HTTP/1.1\r\nHost: x\r\n\r\n"

func sends(text string) func(c *client) { return func(c *client) { c.send(text) } }

// resets makes the Close that follows a reset.
func resets(c *client) { c.SetLinger(0) }

func finishes(c *client) *client {
	c.CloseWrite()
	return c
}

// refused expects that status, and that the server is done with the client.
func (c *client) refused(status int) {
	c.t.Helper()
	c.expect(status, "")
	c.expectEnd()
}

// Property 12. The neighbors are in the middle of something all the time: one
// is between two requests, the reply of the other one is yet to come.
func TestFaultOfOneClientIsOfOneConnection(t *testing.T) {
	for _, misdeed := range misdeeds {
		t.Run(misdeed.name, func(t *testing.T) {
			s := startServer(t, misdeed.limit)
			idle := s.dial().send(getHello)
			idle.expect(200, "hello")
			waits := s.dial().send("GET /10/first HTTP/1.1\r\nHost: x\r\n\r\nGET /20/second HTTP/1.1\r\nHost: x\r\n\r\n")
			bad := s.dial()
			misdeed.play(bad)
			bad.Close()
			waits.expect(200, "first")
			waits.expect(200, "second")
			idle.send(getHello).expect(200, "hello")
			s.dial().send(getHello).expect(200, "hello")
			if cut := s.end(); cut != 0 {
				t.Errorf("%d connections were cut off at the end", cut)
			}
		})
	}
}

// Property 41.
func TestDrainCutsOffWhateverAConnectionDoes(t *testing.T) {
	s := startServer(t, func(o *serverOptions) { o.Grace = 20 * time.Millisecond })
	unread := s.dial()
	unread.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for err := error(nil); err == nil; _, err = io.WriteString(unread, getLong) {
	}
	s.dial()
	s.dial().send(getHello[:20])
	s.dial().send("GET /60000/late HTTP/1.1\r\nHost: x\r\n\r\n" + getHello)
	s.dial().send(getHello).expect(200, "hello")
	if cut := s.end(); cut != 3 {
		t.Errorf("%d connections were cut off, want 3: the other ones are between two requests", cut)
	}
}

// Ctrl-Z, and then fg: the waits of the server are interrupted, and nothing else.
func TestStoppedServerGoesOn(t *testing.T) {
	p := startProcess(t, "")
	late, c := p.dial().send("GET /300/late HTTP/1.1\r\nHost: x\r\n\r\n"), p.dial()
	for range 20 {
		p.cmd.Process.Signal(syscall.SIGSTOP)
		p.cmd.Process.Signal(syscall.SIGCONT)
		c.send(getHello).expect(200, "hello")
	}
	late.expect(200, "late")
	p.interrupt(os.Interrupt, drainedLine)
}
