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
	maxRequestHeader = 64 << 10  // bytes
	maxBody          = 256 << 10 // bytes of a request's body; what exceeds this isn't read
)

// refusal is an error for the client: the status that it's sent.
type refusal int

func (r refusal) Error() string { return http.StatusText(int(r)) }

// readRequest reads a request and its body, for which this server has no use.
func (w *worker) readRequest() (*http.Request, error) {
	if err := w.readHeader(); err != nil {
		return nil, err
	}
	req, err := http.ReadRequest(w.in)
	switch {
	case err != nil:
		return nil, refusal(400)
	case req.Body == http.NoBody:
	case req.Header.Get("Expect") != "":
		req.Close = true // the body may come or not, and we can't tell
	default:
		var n int64
		n, err = io.Copy(io.Discard, io.LimitReader(req.Body, maxBody+1))
		req.Close = req.Close || n > maxBody // rather than read on
	}
	return req, err
}

// errIdle says that nothing but empty lines has come, so the connection is idle again.
var errIdle = errors.New("no request yet")

// readHeader reads the next header into the buffer, and checks it. It fails with errIdle,
// with io.EOF if nothing has come, for whatever reason, with a refusal, or as the read did.
func (w *worker) readHeader() error {
	next, err := w.in.Peek(1)
	for ; err == nil && (next[0] == '\r' || next[0] == '\n'); next, err = w.in.Peek(1) {
		// Some clients send an empty line after a body (RFC 9112, 2.2).
		if w.in.Discard(1); w.in.Buffered() == 0 {
			return errIdle
		}
	}
	if err != nil {
		return io.EOF
	}
	for seen := 0; ; {
		_, err := w.in.Peek(seen + 1)      // waits for more than has been looked at
		p, _ := w.in.Peek(w.in.Buffered()) // all that is there
		switch end := endOfHeader(p, seen); {
		case end > 0:
			return checkHeader(string(p[:end]))
		case err == bufio.ErrBufferFull && len(p) < maxRequestHeader:
			w.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(p), w), maxRequestHeader)
		case err == bufio.ErrBufferFull:
			return refusal(431)
		case err == io.EOF:
			return refusal(400)
		case err != nil:
			return err
		}
		seen = len(p)
	}
}

// endOfHeader returns the length of a header including its empty line, or 0 if that
// line isn't complete. It doesn't end within the first seen bytes: the caller has looked.
func endOfHeader(p []byte, seen int) (length int) {
	for {
		n := bytes.IndexByte(p[seen:], '\n')
		if n < 0 {
			return 0
		}
		before := bytes.TrimSuffix(p[:seen+n], []byte("\r"))
		if seen += n + 1; len(before) == 0 || bytes.HasSuffix(before, []byte("\n")) {
			return seen
		}
	}
}

// checkHeader refuses what http.ReadRequest lets through or removes, such as a second
// Content-Length. A proxy that reads such a header in a different way than we do would find the
// next request in a different place.
func checkHeader(header string) error {
	line, fields, _ := strings.Cut(header, "\n")
	line = strings.TrimSuffix(line, "\r")
	major, minor, ok := http.ParseHTTPVersion(line[strings.LastIndexByte(line, ' ')+1:])
	if ok && major != 1 {
		return refusal(505)
	}
	hosts, lengths, chunked := 0, 0, 0
	for field := range strings.SplitSeq(strings.TrimRight(fields, "\r\n"), "\n") {
		name, value, _ := strings.Cut(field, ":")
		ok = ok && !strings.ContainsAny(name, " \t") // a space before the colon, or a folded line
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(name, "Host"):
			hosts++
			ok = ok && value != "" && isASCII(value) && !strings.ContainsAny(value, " \t\"#/<>?@\\^`{|}")
		case strings.EqualFold(name, "Content-Length"):
			lengths++
		case strings.EqualFold(name, "Transfer-Encoding") && !strings.EqualFold(value, "chunked"):
			return refusal(501)
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked++
		case strings.EqualFold(name, "Expect") && !strings.EqualFold(value, "100-continue"):
			return refusal(417)
		}
	}
	if !ok || !isASCII(line) || hosts > 1 || hosts == 0 && minor > 0 ||
		lengths+chunked > 1 || chunked > 0 && minor == 0 {
		return refusal(400)
	}
	return nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c > '~' }) // nor DEL
}
