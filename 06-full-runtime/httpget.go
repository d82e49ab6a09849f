package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const maxHeader = 1 << 20 // bytes of a reply before its body

// Response is what HTTPGet yields: a status and a body, or else an error.
type Response struct {
	Status int
	Body   string
	Err    error
}

// httpGet is the state machine of the chapters before, now on a Stream. Thousands of
// them may wait for their replies, so they share their target and have no buffer.
type httpGet struct {
	target  *target                 // nil once it's over
	tried   int                     // how many addresses
	dial    Future[Result[*Stream]] // nil before the first address is tried
	stream  *Stream                 // nil until there is a connection
	sent    int                     // bytes of the request
	sendErr error                   // why the rest of the request can't be sent
	reply   Future[Response]        // reads a reply that doesn't come in one piece; or nil

	maxReply int   // a longer body is an error; 0 counts the bytes and keeps none
	length   int64 // of the body so far
	body     strings.Builder
}

// target is what all requests for one URL have in common.
type target struct {
	addrs   []netip.AddrPort // at least one
	request []byte
	err     error        // why there is no request
	in      bufio.Reader // for a reply that comes in one piece
}

// HTTPGet asks addr for a path such as "/50/hello", from its first Poll on. Any status is a success.
// More than 64 MiB of body is an error. It follows no redirect and knows no timeout.
func HTTPGet(addr netip.AddrPort, path string) Future[Response] {
	u, err := url.ParseRequestURI(path)
	return &httpGet{target: newTarget(u, addr.String(), err, addr), maxReply: 64 << 20}
}

// newTarget makes a target, whose requests fail with err if it isn't nil. net/http writes the
// request: it removes the zone of an IPv6 address from Host, and leaves out an empty User-Agent.
func newTarget(u *url.URL, host string, err error, addrs ...netip.AddrPort) *target {
	var wire bytes.Buffer
	if err == nil {
		r := http.Request{Method: "GET", URL: u, Host: host, Header: http.Header{"User-Agent": {""}}, Close: true}
		err = r.Write(&wire)
	}
	return &target{addrs: addrs, request: wire.Bytes(), err: err}
}

// lookUp makes the target for a URL. Go's resolver blocks the goroutine that
// calls it, so that must not be the runtime's.
func lookUp(co *Co, address string) *target {
	u, err := url.Parse(address)
	if err != nil { // Unwrap drops the address, which is printed anyway
		return &target{err: fmt.Errorf("want a URL such as http://localhost:8080/path: %w", errors.Unwrap(err))}
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	if u.Scheme != "http" || u.Hostname() == "" || err != nil {
		return &target{err: errors.New("want a URL such as http://localhost:8080/path, with a port below 65536 (https: this runtime has no TLS)")}
	}
	found := Await(co, Blocking(func() (r Result[[]net.IPAddr]) {
		r.Value, r.Err = net.DefaultResolver.LookupIPAddr(context.Background(), u.Hostname())
		return r
	}))
	var addrs []netip.AddrPort
	for _, a := range found.Value {
		ip, _ := netip.AddrFromSlice(a.IP)
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap().WithZone(a.Zone), uint16(port)))
	}
	return newTarget(u, u.Host, found.Err, addrs...)
}

// Poll goes from one stage to the next as far as it can without waiting.
func (g *httpGet) Poll(cx *Context) (r Response, ready bool) {
	mustBePending(g.target != nil, "HTTPGet")
	if r.Err, ready = g.request(cx); ready && r.Err == nil {
		r, ready = g.response(cx)
	}
	if ready {
		g.Close()
	}
	return r, ready
}

// request is ready when there is a connection, and has sent what the peer takes now. It tries
// the next address when the kernel gives up on one. A browser would after 250 ms (RFC 8305).
func (g *httpGet) request(cx *Context) (err error, ready bool) {
	if g.target.err != nil {
		return g.target.err, true
	}
	for g.stream == nil {
		if g.dial == nil {
			g.dial = Dial(g.target.addrs[g.tried])
			g.tried++
		}
		dialed, ready := g.dial.Poll(cx)
		if !ready || dialed.Err != nil && g.tried == len(g.target.addrs) {
			return dialed.Err, ready // pending, or the last address has failed
		}
		g.dial, g.stream = nil, dialed.Value
	}
	for ready := true; ready && g.sent < len(g.target.request) && g.sendErr == nil; {
		var n int
		n, g.sendErr, ready = g.stream.PollWrite(cx, g.target.request[g.sent:])
		g.sent += n
	}
	return nil, true // some servers answer, and even hang up, before they have read everything
}

// response reads once, and most replies are whole then. If not, a coroutine reads that first
// piece again, and waits for the rest.
func (g *httpGet) response(cx *Context) (r Response, ready bool) {
	if g.reply == nil {
		n, err, ready := g.stream.PollRead(cx, cx.Scratch())
		if !ready {
			return r, false
		}
		first := cx.Scratch()[:n]
		r = g.receive(&g.target.in, io.MultiReader(bytes.NewReader(first), failing{cmp.Or(err, error(unix.EAGAIN))}))
		if r.Err != unix.EAGAIN {
			return r, true
		}
		g.length = 0 // the coroutine counts and keeps it all again
		g.body.Reset()
		g.reply = Async(func(co *Co) Response { // polled below, so first is used up before another task reads
			return g.receive(new(bufio.Reader), io.MultiReader(bytes.NewReader(first), co.Conn(g.stream)))
		})
	}
	return g.reply.Poll(cx)
}

// failing is a reader that only fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// receive leaves the reply to net/http. The reply itself says where it ends (RFC
// 9112, 6.3), so we needn't wait for the end of the connection.
func (g *httpGet) receive(in *bufio.Reader, conn io.Reader) Response {
	wire := &wire{conn: conn, limit: maxHeader}
	in.Reset(wire)
	reply, err := http.ReadResponse(in, nil)
	for err == nil && reply.StatusCode < 200 && reply.StatusCode != 101 { // the real one follows
		reply, err = http.ReadResponse(in, nil)
	}
	if err == nil {
		wire.limit = math.MaxInt
		// Not Context.Scratch: a Read of chunks may wait after it has stored some bytes.
		buffer := make([]byte, max(1, min(uint64(reply.ContentLength), 8<<10))) // an unknown length is -1, a huge uint64
		_, err = io.CopyBuffer(g, reply.Body, buffer)
	}
	switch {
	case err == nil:
		return Response{Status: reply.StatusCode, Body: g.body.String()}
	case wire.err != nil && wire.err != io.EOF: // net/http may have called it something else
		err = wire.err
	case reply == nil && err == io.ErrUnexpectedEOF:
		err = cmp.Or(g.sendErr, fmt.Errorf("reply cut short in its header: %w", err))
	case err == io.ErrUnexpectedEOF:
		err = fmt.Errorf("reply cut short after %d bytes of its body: %w", g.length, err)
	}
	return Response{Err: err}
}

// wire is what net/http reads from. It keeps the first error.
type wire struct {
	conn  io.Reader
	limit int // how many bytes may still be read
	err   error
}

func (w *wire) Read(p []byte) (n int, err error) {
	if w.limit == 0 && w.err == nil {
		w.err = fmt.Errorf("header longer than %d bytes", maxHeader)
	}
	if w.err == nil {
		n, w.err = w.conn.Read(p[:min(len(p), w.limit)])
		w.limit -= n
	}
	return n, w.err
}

// Write takes the next bytes of the body.
func (g *httpGet) Write(p []byte) (int, error) {
	if g.length += int64(len(p)); g.maxReply == 0 {
		return len(p), nil
	}
	if g.length > int64(g.maxReply) {
		return 0, fmt.Errorf("reply of more than %d bytes", g.maxReply)
	}
	return g.body.Write(p)
}

// Close gives up and closes the connection, at any moment and any number of times.
func (g *httpGet) Close() error {
	g.target = nil
	return closeAll(g.dial, g.reply, g.stream)
}
