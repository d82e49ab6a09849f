package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"
)

// Read is where in gets its bytes. Before it waits for more, the client has to
// have its replies: it may not go on without.
func (w *worker) Read(p []byte) (n int, err error) {
	if w.limit <= 0 {
		w.failed = errHeader
		return 0, errHeader
	}
	p = p[:min(len(p), w.limit)]
	if len(w.first) > 0 {
		n = copy(p, w.first)
		w.first = w.first[n:]
	} else if err = w.flush(w.server.options.Read); err == nil {
		n, err = w.conn.Read(p)
	}
	w.limit, w.failed = w.limit-n, err
	return n, err
}

// flush sends the replies that are in the buffer. Afterwards the client has
// the time next for what comes then.
func (w *worker) flush(next time.Duration) error {
	if w.out.Buffered() == 0 {
		return nil
	}
	w.conn.SetTimeout(w.server.options.Write)
	err := w.out.Flush()
	w.conn.SetTimeout(next)
	return err
}

var (
	errHeader  = fmt.Errorf("header longer than %d bytes", maxHeader)
	errVersion = errors.New("this server speaks HTTP/1.0 and HTTP/1.1")
	errHost    = errors.New("no Host header")
	errSpace   = errors.New("a space in the name of a header, or of the host")
)

// readRequest reads a request and its body, for which this server has no use.
func (w *worker) readRequest() (*http.Request, error) {
	w.conn.SetTimeout(w.server.options.Read)
	w.limit, w.failed = maxHeader-w.in.Buffered(), nil
	req, err := http.ReadRequest(w.in)
	switch {
	case err != nil && w.failed != nil && w.failed != io.EOF:
		return nil, w.failed // without it half a line would seem to be a malformed one
	case err != nil:
		return nil, err
	case req.ProtoMajor != 1:
		return nil, errVersion
	case req.ProtoMinor > 0 && req.Host == "":
		return nil, errHost
	case spaced(req):
		return nil, errSpace
	case req.Body == http.NoBody:
		return req, nil
	}
	w.limit = math.MaxInt
	if req.Header.Get("Expect") != "" {
		req.Close = true // it need not send the body, and we cannot tell whether it will
		return req, nil
	}
	switch _, err = io.CopyN(io.Discard, req.Body, maxBody+1); err {
	case nil:
		req.Close = true // rather than read on
	case io.EOF:
		err = nil
	}
	return req, err
}

// spaced finds what http.ReadRequest lets pass and http.Server refuses. To a
// proxy "Content-Length : 9" may say where the next request begins, and to us
// it would say nothing (RFC 9112, 5.1).
func spaced(req *http.Request) bool {
	for name := range req.Header {
		if strings.ContainsAny(name, " \t") {
			return true
		}
	}
	return strings.ContainsAny(req.Host, " \t")
}
