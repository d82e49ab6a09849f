package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Fetched is what a Fetch yields: a status and the length of the body, or else
// an error.
type Fetched struct {
	Status int
	Bytes  int
	Err    error
	At     time.Time // when it was there
}

// Fetch is a leaf future: one GET request. It is HTTPGet on a Stream, with
// little to hold: thousands may be under way at once.
type Fetch struct {
	target *target
	buffer *buffer // of all of them: between two polls there is nothing in it

	tried   int      // addresses
	dialing *Dialing // nil before and after
	stream  *Stream  // nil before
	sent    int      // bytes of the request
	reply   []byte   // so far
}

// target is what the requests for one URL have in common.
type target struct {
	addrs    []netip.AddrPort // at least one
	request  []byte
	maxReply int // bytes; a longer reply is an error
}

// Poll goes from one stage to the next as far as it can without waiting.
func (f *Fetch) Poll(cx *Context) (Fetched, bool) {
	if f.stream == nil {
		if err, ready := f.connect(cx); err != nil || !ready {
			return f.finish(Response{Err: err}, ready)
		}
	}
	for f.sent < len(f.target.request) {
		n, err, ready := f.stream.PollWrite(cx, f.target.request[f.sent:])
		f.sent += n
		if err != nil || !ready {
			return f.finish(Response{Err: err}, ready)
		}
	}
	end, ready := f.receive(cx)
	if !ready {
		return Fetched{}, false
	}
	return f.finish(f.parse(end), true)
}

// connect tries every address in turn, and says how the last one failed. A
// browser would not wait so long for the first, but start with the second
// meanwhile (RFC 8305).
func (f *Fetch) connect(cx *Context) (error, bool) {
	for {
		if f.dialing == nil {
			f.dialing = Dial(f.target.addrs[f.tried])
			f.tried++
		}
		dialed, ready := f.dialing.Poll(cx)
		if !ready {
			return nil, false
		}
		f.dialing, f.stream = nil, dialed.Value
		if dialed.Err == nil || f.tried == len(f.target.addrs) {
			return dialed.Err, true
		}
	}
}

// receive reads until the peer has finished, which is io.EOF, or has failed.
func (f *Fetch) receive(cx *Context) (end error, ready bool) {
	for {
		n, err, ready := f.stream.PollRead(cx, f.buffer[:])
		if err != nil || !ready {
			return err, ready
		}
		had := len(f.reply)
		f.reply = append(f.reply, f.buffer[:n]...)
		if len(f.reply) > f.target.maxReply {
			return fmt.Errorf("reply of more than %d bytes", f.target.maxReply), true
		}
		if had <= maxHeader && had+n > maxHeader {
			if _, _, err := parseHead(f.reply); err != nil {
				return err, true
			}
		}
	}
}

// parse makes the Response. A reset after a complete reply does no harm.
func (f *Fetch) parse(end error) Response {
	if end != io.EOF && !isReset(end) {
		return Response{Err: end}
	}
	r := parseReply(f.reply, end)
	if r.Err == io.ErrUnexpectedEOF {
		r.Err = fmt.Errorf("reply cut short after %d bytes: %w", len(f.reply), r.Err)
	}
	return r
}

func isReset(err error) bool { return errors.Is(err, unix.ECONNRESET) }

func (f *Fetch) finish(r Response, ready bool) (Fetched, bool) {
	if !ready {
		return Fetched{}, false
	}
	f.Close()
	return Fetched{r.Status, len(r.Body), r.Err, time.Now()}, true
}

// Close gives up, and gives the connection back.
func (f *Fetch) Close() error {
	if f.dialing != nil {
		return f.dialing.Close()
	}
	if f.stream != nil {
		return f.stream.Close()
	}
	return nil
}
