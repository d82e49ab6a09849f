package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
)

// Response is what HTTPGet yields: a status and a body, or else an error.
type Response struct {
	Status int
	Body   string
	Err    error
}

// httpGet is the state machine of the chapters before, now on a Stream. There may
// be thousands of them, so they share their target, read into the runtime's
// scratch buffer, and have no reply before its first bytes arrive.
type httpGet struct {
	target   *target
	maxReply int // a longer body is an error; 0 counts the bytes and keeps none

	tried  int                     // how many addresses
	dial   Future[Result[*Stream]] // nil before and after connecting
	stream *Stream                 // nil until there is a connection
	sent   int                     // bytes of the request
	reply  *reply                  // nil until there is something to read
	over   bool
}

// target is what all requests for one URL have in common.
type target struct {
	addrs   []netip.AddrPort // at least one
	request []byte
	err     error // why there is no request
}

// HTTPGet asks addr for a path such as "/50/hello", but not before its first
// Poll. It keeps at most 64 MiB of a reply.
func HTTPGet(addr netip.AddrPort, path string) Future[Response] {
	t := &target{addrs: []netip.AddrPort{addr}}
	var u *url.URL
	if u, t.err = url.ParseRequestURI(path); t.err == nil {
		t.request, t.err = requestFor(u, addr.String())
	}
	return &httpGet{target: t, maxReply: 64 << 20}
}

// requestFor leaves the writing to net/http, which for example removes the zone
// of an IPv6 address from Host: it means nothing to the server.
func requestFor(u *url.URL, host string) ([]byte, error) {
	var wire bytes.Buffer
	r := http.Request{Method: "GET", URL: u, Host: host, Header: http.Header{"User-Agent": {""}}, Close: true}
	err := r.Write(&wire)
	return wire.Bytes(), err
}

// lookUp makes the target for a URL. Go's resolver blocks the goroutine that
// calls it, so that must not be the runtime's.
func lookUp(co *Co, address string) (*target, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.Unwrap(err) // without the address, which is printed anyway
	}
	if u.Scheme != "http" || u.Hostname() == "" {
		return nil, errors.New("want a URL such as http://localhost:8080/path (https: this runtime has no TLS)")
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %s is not a number below 65536", u.Port())
	}
	found := Await(co, Blocking(func() (r Result[[]net.IPAddr]) {
		r.Value, r.Err = net.DefaultResolver.LookupIPAddr(context.Background(), u.Hostname())
		return r
	}))
	t := &target{err: found.Err}
	for _, a := range found.Value { // at least one, unless there is an error
		ip, _ := netip.AddrFromSlice(a.IP)
		t.addrs = append(t.addrs, netip.AddrPortFrom(ip.Unmap().WithZone(a.Zone), uint16(port)))
	}
	if t.err == nil {
		t.request, t.err = requestFor(u, u.Host)
	}
	return t, t.err
}

// Poll goes from one stage to the next as far as it can without waiting.
func (g *httpGet) Poll(cx *Context) (Response, bool) {
	if g.over {
		panic("HTTPGet polled after it finished")
	}
	err, ready := g.advance(cx)
	if !ready {
		return Response{}, false
	}
	g.Close()
	if err != nil {
		return Response{Err: err}, true
	}
	return Response{Status: g.reply.status, Body: g.reply.body.String()}, true
}

func (g *httpGet) advance(cx *Context) (err error, ready bool) {
	if g.target.err != nil {
		return g.target.err, true
	}
	if g.stream == nil {
		if err, ready := g.connect(cx); err != nil || !ready {
			return err, ready
		}
	}
	for g.sent < len(g.target.request) {
		n, err, ready := g.stream.PollWrite(cx, g.target.request[g.sent:])
		if g.sent += n; err != nil || !ready {
			break // some servers answer, and even hang up, before they have read everything
		}
	}
	return g.receive(cx)
}

// connect tries one address after the other and returns the error of the last
// one. A browser wouldn't wait that long for the first address: it starts with
// the second one in the meantime (RFC 8305).
func (g *httpGet) connect(cx *Context) (err error, ready bool) {
	for {
		if g.dial == nil {
			g.dial = Dial(g.target.addrs[g.tried])
			g.tried++
		}
		dialed, ready := g.dial.Poll(cx)
		if !ready {
			return nil, false
		}
		g.dial, g.stream = nil, dialed.Value
		if dialed.Err == nil || g.tried == len(g.target.addrs) {
			return dialed.Err, true
		}
	}
}

// receive reads until the reply is complete. The server may leave the
// connection open: the reply itself says where it ends, if it can.
func (g *httpGet) receive(cx *Context) (err error, ready bool) {
	buffer := cx.Scratch()
	for {
		n, err, ready := g.stream.PollRead(cx, buffer)
		if !ready {
			return nil, false
		}
		if g.reply == nil {
			g.reply = &reply{keep: g.maxReply}
		}
		if err == nil {
			err = g.reply.add(buffer[:n])
		} else {
			err = g.reply.end(err)
		}
		if err != nil || g.reply.state == complete {
			return err, true
		}
	}
}

// Close gives up and closes the connection, at any moment and any number of times.
func (g *httpGet) Close() error {
	g.over = true
	if g.dial != nil {
		return Close(g.dial)
	}
	if g.stream != nil {
		return g.stream.Close()
	}
	return nil
}
