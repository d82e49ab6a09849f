package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

const (
	maxRequest = 64 << 10  // bytes of a request's header
	maxBody    = 256 << 10 // of a request; it is read only to find the next request
)

// refusal is an error for which there is a reply. Its text doesn't repeat what
// the client has sent.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

var (
	errNoRequest = errors.New("only empty lines")
	errMalformed = &refusal{400, "malformed request"}
	errTarget    = &refusal{400, "the request target contains a character that must be escaped"}
	errField     = &refusal{400, "malformed header field"}
	errHost      = &refusal{400, "there must be one valid Host"}
	errFraming   = &refusal{400, "Transfer-Encoding with Content-Length or HTTP/1.0"}
	errLate      = &refusal{408, "the request took too long"}
	errExpect    = &refusal{417, "Expect can only be 100-continue"}
	errHeader    = &refusal{431, "the header is too long"}
	errCoding    = &refusal{501, "Transfer-Encoding can only be chunked"}
	errVersion   = &refusal{505, "this server speaks HTTP/1.0 and HTTP/1.1"}
)

// readRequest reads a request and its body, for which this server has no use.
func (w *worker) readRequest() (*http.Request, error) {
	w.conn.SetTimeout(w.server.options.Read)
	header, err := w.readHeader()
	if err == nil {
		err = check(header)
	}
	if err != nil {
		return nil, err
	}
	req, err := http.ReadRequest(w.in) // its errors would quote the client's bytes
	if err != nil {
		return nil, errMalformed
	}
	if !consistsOf(req.Host, hostBytes) || req.Host == "" && req.ProtoMinor > 0 {
		return nil, errHost
	}
	if req.Body == http.NoBody {
		return req, nil
	}
	if req.Header.Get("Expect") != "" {
		req.Close = true // the client may leave the body out, and we can't tell whether it will
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

// readHeader returns the bytes of the next header, which stay in the buffer. It
// skips two empty lines in front of it, because some clients send one behind a
// body (RFC 9112, 2.2).
func (w *worker) readHeader() ([]byte, error) {
	for seen, skipped := 0, 0; ; {
		_, err := w.in.Peek(seen + 1) // reads, unless there is more in the buffer
		p, _ := w.in.Peek(w.in.Buffered())
		switch {
		case err == bufio.ErrBufferFull && len(p) == maxRequest:
			return nil, errHeader
		case err == bufio.ErrBufferFull:
			w.grow()
			seen = 0
			continue
		case err == io.EOF && seen > 0:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		if line, _, ok := bytes.Cut(p, []byte("\n")); ok && skipped < 2 && len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			skipped++
			seen = 0
			if w.in.Discard(len(line) + 1); w.in.Buffered() == 0 {
				return nil, errNoRequest
			}
			continue
		}
		if end := endOfHeader(p, seen); end > 0 {
			return p[:end], nil
		}
		seen = len(p)
	}
}

// check refuses what http.ReadRequest accepts, or removes before its caller can
// see it. Two programs that read such a request differently, a proxy and we,
// wouldn't agree on where the next request begins.
func check(header []byte) error {
	line, fields, _ := bytes.Cut(header, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	major, minor, ok := http.ParseHTTPVersion(string(line[bytes.LastIndexByte(line, ' ')+1:]))
	switch {
	case !ok:
		return errMalformed
	case major != 1:
		return errVersion
	case bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }):
		return errTarget
	}
	hosts, lengths, codings := 0, 0, 0
	for line := range bytes.Lines(fields) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) == 0 {
			break
		}
		name, value, found := strings.Cut(string(line), ":")
		if !found || name == "" || !consistsOf(name, tokenBytes) || strings.ContainsFunc(value, isControl) {
			return errField // also a space in front of the colon, or of a continued line
		}
		switch value = strings.Trim(value, " \t"); {
		case strings.EqualFold(name, "Host"):
			hosts++
		case strings.EqualFold(name, "Content-Length"):
			lengths++
		case strings.EqualFold(name, "Transfer-Encoding"):
			if codings++; !strings.EqualFold(value, "chunked") {
				return errCoding
			}
		case strings.EqualFold(name, "Expect") && !strings.EqualFold(value, "100-continue"):
			return errExpect
		}
	}
	switch {
	case hosts > 1 || hosts == 0 && minor > 0:
		return errHost
	case codings > 1 || codings > 0 && (lengths > 0 || minor == 0):
		return errFraming
	}
	return nil
}

const (
	tokenBytes = "!#$%&'*+-.^_`|~" // and letters and digits: RFC 9110, 5.6.2
	hostBytes  = "!$%&'()*+,-.:;=[]_~"
)

// consistsOf reports whether s has only ASCII letters, digits and those bytes.
func consistsOf(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return true
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
