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
	maxBody    = 256 << 10 // bytes of its body; what comes after it isn't read
)

// refusal is an error with the status that the client is sent.
type refusal int

func (r refusal) Error() string { return http.StatusText(int(r)) }

var errNoRequest = errors.New("nothing but empty lines")

// readRequest reads a request and its body, for which this server has no use.
func (w *worker) readRequest() (*http.Request, error) {
	w.conn.SetTimeout(w.server.options.Read)
	header, err := w.readHeader()
	if err == nil {
		err = checkHeader(header)
	}
	if err != nil {
		return nil, err
	}
	req, err := http.ReadRequest(w.in)
	switch {
	case err != nil || req.Host == "" && req.ProtoMinor > 0:
		return nil, refusal(400)
	case hasControl(req.Host, '~') || strings.ContainsAny(req.Host, " \"#/<>?@\\^`{|}"):
		return nil, refusal(400)
	case req.Body == http.NoBody:
		return req, nil
	case req.Header.Get("Expect") != "":
		req.Close = true // it may leave out the body, and we can't tell whether it will
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
// skips up to two empty lines, because some clients send one after a body (RFC
// 9112, 2.2).
func (w *worker) readHeader() ([]byte, error) {
	for seen, skipped := 0, 0; ; {
		_, err := w.in.Peek(seen + 1) // reads unless there is more in the buffer
		p, _ := w.in.Peek(w.in.Buffered())
		switch end := endOfHeader(p, seen); {
		case end > len("\r\n"), end > 0 && skipped == 2:
			return p[:end], nil
		case end > 0: // an empty line
			w.in.Discard(end)
			if w.in.Buffered() == 0 {
				return nil, errNoRequest
			}
			seen, skipped = 0, skipped+1
		case err == bufio.ErrBufferFull && len(p) < maxRequest:
			w.grow()
		case err == bufio.ErrBufferFull:
			return nil, refusal(431)
		case err == io.EOF && seen > 0:
			return nil, refusal(400)
		case err != nil:
			return nil, err
		default:
			seen = len(p)
		}
	}
}

// checkHeader refuses what http.ReadRequest accepts, or deletes before its caller
// can see it. A proxy that reads such a header in a different way than we do
// would find the next request in a different place.
func checkHeader(header []byte) error {
	line, fields, _ := bytes.Cut(header, []byte("\n"))
	request := string(bytes.TrimSuffix(line, []byte("\r")))
	major, minor, ok := http.ParseHTTPVersion(request[strings.LastIndexByte(request, ' ')+1:])
	if ok && major != 1 {
		return refusal(505)
	}
	if !ok || hasControl(request, '~') {
		return refusal(400)
	}
	hosts, lengths, codings := 0, 0, 0
	for line := range bytes.SplitSeq(fields, []byte("\n")) {
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
			break
		}
		name, value, found := strings.Cut(string(line), ":")
		if !found || name == "" || strings.ContainsAny(name, " \t") || hasControl(value, 0xff) {
			return refusal(400) // a space before the colon, for example, or a continued line
		}
		switch value = strings.Trim(value, " \t"); {
		case strings.EqualFold(name, "Host"):
			hosts++
		case strings.EqualFold(name, "Content-Length"):
			lengths++
		case strings.EqualFold(name, "Transfer-Encoding"):
			if codings++; !strings.EqualFold(value, "chunked") {
				return refusal(501)
			}
		case strings.EqualFold(name, "Expect") && !strings.EqualFold(value, "100-continue"):
			return refusal(417)
		}
	}
	if hosts > 1 || hosts == 0 && minor > 0 || codings > 1 || codings > 0 && (lengths > 0 || minor == 0) {
		return refusal(400)
	}
	return nil
}

// hasControl reports whether there is a control character, or a byte above last.
func hasControl(text string, last byte) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f || c > last {
			return true
		}
	}
	return false
}
