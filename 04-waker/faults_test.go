package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// faults are what a peer may do with a connection, and what its request yields.
var faults = []struct {
	name string
	play func(*net.TCPConn)
	want Response
	err  string // instead of want: a regular expression
}{
	{name: "end before the reply", play: answer(), err: `read: unexpected EOF$`},
	{name: "reset before the request", play: reset, err: `(connect|write|read): (connection reset by peer|broken pipe)$`},
	{name: "reset before the reply", play: both(answer(), reset), err: `read: connection reset by peer$`},
	{name: "reset during the header", play: both(answer("HTTP/1.1 200 OK\r\n"), reset), err: `read: connection reset by peer$`},
	{name: "reset during the reply", play: both(answer(hello[:len(hello)-1]), reset), err: `read: connection reset by peer$`},
	{name: "reset after the reply", play: both(answer(hello), reset), want: Response{Status: 200, Body: "hello"}},
	{
		name: "reset where only the end tells the length",
		play: both(answer("HTTP/1.0 200 OK\r\n\r\nhello"), reset),
		err:  `read: connection reset by peer$`,
	},
	{
		name: "half-close after the reply",
		play: both(answer(hello), func(c *net.TCPConn) { c.CloseWrite(); untilClosed(c) }),
		want: Response{Status: 200, Body: "hello"},
	},
	{
		name: "half-close before the request",
		play: func(c *net.TCPConn) { c.CloseWrite(); untilClosed(c) },
		err:  `read: unexpected EOF$`,
	},
	{name: "one byte at a time", play: answer(strings.Split(hello, "")...), want: Response{Status: 200, Body: "hello"}},
	{name: "two replies in one segment", play: answer(hello + strings.ReplaceAll(hello, "hello", "other")), want: Response{Status: 200, Body: "hello"}},
	{name: "1xx before the reply", play: answer("HTTP/1.1 100 Continue\r\n\r\n", hello), want: Response{Status: 200, Body: "hello"}},
	{name: "1xx and no reply", play: answer("HTTP/1.1 100 Continue\r\n\r\n"), err: `read: unexpected EOF$`},
	{name: "204", play: answer("HTTP/1.1 204 No Content\r\n\r\n"), want: Response{Status: 204}},
	{name: "304", play: answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), want: Response{Status: 304}},
	{name: "no Content-Length, early end", play: answer("HTTP/1.1 200 OK\r\n\r\nhel"), want: Response{Status: 200, Body: "hel"}},
	{name: "Content-Length, early end", play: answer(hello[:len(hello)-1]), err: `read: unexpected EOF$`},
	{name: "two Content-Lengths", play: answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), err: `read: .*Content-Length`},
	{name: "chunk cut short", play: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), err: `read: unexpected EOF$`},
	{name: "last chunk missing", play: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), err: `read: unexpected EOF$`},
	{name: "chunk of no length", play: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nhello"), err: `read: .*chunk`},
	{name: "rubbish for a status line", play: answer("rubbish\r\n\r\n"), err: `read: malformed HTTP`},
	{name: "three bytes", play: answer("\r\n\r"), err: `read: (malformed HTTP|unexpected EOF)`},
	{name: "header without end", play: both(answer("HTTP/1.1 200 OK\r\nX: "), endless), err: `read: header longer than 1048576 bytes$`},
	{name: "header cut short", play: answer("HTTP/1.1 200 OK\r\nX: y\r\n"), err: `read: unexpected EOF$`},
	{
		name: "header of nearly 1 MB",
		play: answer(strings.Replace(hello, "OK\r\n", "OK\r\nX: "+strings.Repeat("y", maxHeader-100)+"\r\n", 1)),
		want: Response{Status: 200, Body: "hello"},
	}, {
		name: "header of more than 1 MB",
		play: answer(strings.Replace(hello, "OK\r\n", "OK\r\nX: "+strings.Repeat("y", maxHeader)+"\r\n", 1)),
		err:  `read: header longer than 1048576 bytes$`,
	},
	{name: "body without end", play: both(answer("HTTP/1.1 200 OK\r\n\r\n"), endless), err: `read: more than 4194304 bytes$`},
}

func both(first, then func(*net.TCPConn)) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		first(c)
		then(c)
	}
}

// endless writes until the other side closes.
func endless(c *net.TCPConn) {
	chunk := bytes.Repeat([]byte("y"), 1<<16)
	for err := error(nil); err == nil; {
		_, err = c.Write(chunk)
	}
}

// Properties 10, 11 and 12.
func TestFaultOfOnePeerIsErrorOfOneRequest(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			noLeaks(t)
			over := make(chan struct{})
			get := NewHTTPGet(startPeer(t, func(c *net.TCPConn) {
				defer close(over)
				fault.play(c)
				c.Close()
			}), "/")
			get.MaxReply = 4 << 20
			responses := runAll[Response](t, get, neighbor(t, over))
			checkFault(t, fault.want, fault.err, responses[0])
			if want := (Response{Status: 200, Body: "hello"}); responses[1] != want {
				t.Errorf("the request beside it: got %+v, want %+v", responses[1], want)
			}
		})
	}
}

// neighbor is a request that is under way until something is over.
func neighbor(t *testing.T, over <-chan struct{}) *HTTPGet {
	return NewHTTPGet(startPeer(t, func(c *net.TCPConn) {
		<-over
		answer(hello)(c)
	}), "/")
}

func checkFault(t *testing.T, want Response, wantErr string, got Response) {
	t.Helper()
	if wantErr == "" {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	} else if got.Err == nil || !regexp.MustCompile(wantErr).MatchString(got.Err.Error()) {
		t.Errorf("got %+v, want an error that matches %s", got, wantErr)
	}
}

// besides polls a future until another one is ready, and then abandons it.
type besides struct {
	stuck, other Future[Response]
}

func (b besides) Poll(cx *Context) (Response, bool) {
	if r, ready := b.stuck.Poll(cx); ready {
		return r, true
	}
	r, ready := b.other.Poll(cx)
	if ready {
		Close(b.stuck)
	}
	return r, ready
}

// Property 7.
func TestConnectThatHangsHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	over := make(chan struct{})
	close(over)
	r := runOne[Response](t, besides{NewHTTPGet(fullBacklog(t), "/"), neighbor(t, over)})
	if r.Body != "hello" {
		t.Errorf("the request beside it: got %+v", r)
	}
}

// Property 12.
func TestRefusedConnectIsErrorOfOneRequest(t *testing.T) {
	noLeaks(t)
	over := make(chan struct{})
	close(over)
	_, addr := bound(t)
	responses := runAll[Response](t, NewHTTPGet(addr, "/"), neighbor(t, over))
	checkFault(t, Response{}, `connect: connection refused$`, responses[0])
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[1])
}

// narrow is a request whose socket buffers little of what is sent.
type narrow struct{ *HTTPGet }

func (n narrow) Poll(cx *Context) (Response, bool) {
	r, ready := n.HTTPGet.Poll(cx)
	if n.fd >= 0 {
		unix.SetsockoptInt(n.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16)
	}
	return r, ready
}

// Property 8.
func TestPeerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	otherIsOver := make(chan struct{})
	path := "/" + strings.Repeat("x", 1<<20) // more than both sockets buffer
	stubborn := startPeer(t, func(c *net.TCPConn) {
		<-otherIsOver
		if strings.Contains(readRequest(c), path) {
			io.WriteString(c, hello)
		}
	})
	other := startPeer(t, func(c *net.TCPConn) {
		answer(hello)(c)
		c.CloseWrite()
		untilClosed(c)
		close(otherIsOver)
	})
	for _, r := range runAll[Response](t, narrow{NewHTTPGet(stubborn, path)}, NewHTTPGet(other, "/")) {
		if r.Body != "hello" {
			t.Errorf("got status %d, %d bytes, want hello", r.Status, len(r.Body))
		}
	}
}

var bigBody = 100_000_000 // bytes

// Property 8.
func TestBodyOf100MBArrivesWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 300 MB of memory")
	}
	noLeaks(t)
	size := bigBody
	patience *= 6
	t.Cleanup(func() { patience /= 6 })
	addr := startPeer(t, func(c *net.TCPConn) {
		answer(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))(c)
		chunk := bytes.Repeat([]byte("x"), size/100)
		for range 100 {
			c.Write(chunk)
		}
	})
	over := make(chan struct{})
	close(over)
	responses := runAll[Response](t, NewHTTPGet(addr, "/"), neighbor(t, over))
	if got := strings.Count(responses[0].Body, "x"); got != size || len(responses[0].Body) != size {
		t.Errorf("%d of %d bytes are right, want %d: %v", got, len(responses[0].Body), size, responses[0].Err)
	}
	checkFault(t, Response{Status: 200, Body: "hello"}, "", responses[1])
	bigBody = 1_000_000 // once is enough when the tests are repeated
}
