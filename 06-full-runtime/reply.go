package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxHeader = 1 << 20 // bytes of a reply's header

// reply takes a reply apart while it arrives, in pieces of any size. It sees
// where the reply ends (RFC 9112, 6.3), so nothing has to wait for the end of
// the connection.
type reply struct {
	keep     int // a longer body is an error; 0 counts the bytes and keeps none
	state    replyState
	status   int
	chunked  bool
	left     int64  // bytes of the body or of the chunk; negative: until the connection ends
	length   int64  // of the body so far
	received int64  // bytes of everything so far
	part     []byte // the beginning of the header or of a line, whose end is yet to come
	body     strings.Builder
}

// inHeader → inData → complete, or with chunks
// inHeader → inSize → inData → afterData → inSize → … → inTrailer → complete
type replyState int

const (
	inHeader replyState = iota
	inData
	inSize    // the line before a chunk
	afterData // the empty line after a chunk
	inTrailer // lines up to an empty one
	complete
)

// add takes the next bytes that have arrived.
func (r *reply) add(p []byte) (err error) {
	r.received += int64(len(p))
	for len(p) > 0 && err == nil && r.state != complete {
		switch r.state {
		case inHeader:
			p, err = r.header(p)
		case inData:
			p, err = r.data(p)
		default:
			p, err = r.line(p)
		}
	}
	return err
}

// header waits for the whole header, so that net/http can parse it.
func (r *reply) header(p []byte) (rest []byte, err error) {
	seen := len(r.part)
	p = append(r.part, p...)
	end := endOfHeader(p, seen)
	switch {
	case end > maxHeader || end == 0 && len(p) > maxHeader:
		return nil, fmt.Errorf("header longer than %d bytes", maxHeader)
	case end == 0:
		r.part = p
		return nil, nil
	}
	r.part = nil
	head, err := parseHeader(p[:end])
	if err != nil || head.StatusCode < 200 && head.StatusCode != 101 {
		return p[end:], err // the real reply follows an interim one
	}
	r.status, r.left = head.StatusCode, head.ContentLength
	r.chunked = head.TransferEncoding != nil
	switch {
	case r.chunked:
		r.state = inSize
	case r.left == 0:
		r.state = complete
	default:
		r.state = inData
	}
	return p[end:], nil
}

func parseHeader(p []byte) (*http.Response, error) {
	return http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(p), min(len(p), 4096)), nil)
}

// endOfHeader returns the length of a header up to and including its empty
// line, or 0 if that isn't in p yet. It wasn't in the first seen bytes.
func endOfHeader(p []byte, seen int) int {
	for i := max(0, seen-2); ; {
		next := bytes.IndexByte(p[i:], '\n')
		if next < 0 {
			return 0
		}
		i += next + 1
		if bytes.HasPrefix(p[i:], []byte("\n")) {
			return i + 1
		}
		if bytes.HasPrefix(p[i:], []byte("\r\n")) {
			return i + 2
		}
	}
}

func (r *reply) data(p []byte) (rest []byte, err error) {
	n := len(p)
	if r.left >= 0 {
		n = int(min(int64(n), r.left))
		r.left -= int64(n)
	}
	r.length += int64(n)
	if r.keep > 0 {
		r.body.Write(p[:n])
		if r.body.Len() > r.keep {
			return nil, fmt.Errorf("reply of more than %d bytes", r.keep)
		}
	}
	if r.left == 0 && r.chunked {
		r.state = afterData
	} else if r.left == 0 {
		r.state = complete
	}
	return p[n:], nil
}

var errChunk = errors.New("malformed chunked encoding")

// line takes a line of what is around chunks (RFC 9112, 7.1).
func (r *reply) line(p []byte) (rest []byte, err error) {
	line, rest, whole := bytes.Cut(p, []byte("\n"))
	line = append(r.part, line...)
	if len(line) > 4096 {
		return nil, errChunk
	}
	if r.part = nil; !whole {
		r.part = line
		return nil, nil
	}
	line, ended := bytes.CutSuffix(line, []byte("\r"))
	if !ended {
		return nil, errChunk
	}
	switch {
	case r.state == inSize:
		err = r.size(line)
	case r.state == afterData && len(line) > 0:
		err = errChunk
	case r.state == afterData:
		r.state = inSize
	case len(line) == 0:
		r.state = complete
	}
	return rest, err
}

// size takes the line before a chunk: its length, perhaps with an extension.
func (r *reply) size(line []byte) error {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 63)
	if err != nil {
		return errChunk
	}
	r.left, r.state = int64(n), inData
	if n == 0 {
		r.state = inTrailer
	}
	return nil
}

// end takes the end of the connection, which is io.EOF or a failure. A reply
// without a length is complete at io.EOF.
func (r *reply) end(err error) error {
	switch {
	case err != io.EOF:
		return err
	case r.state == inData && r.left < 0:
		r.state = complete
		return nil
	case r.state == inHeader:
		_, err = parseHeader(slices.Concat(r.part, nil))
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			return err // it isn't HTTP
		}
	}
	return fmt.Errorf("reply cut short after %d bytes: %w", r.received, io.ErrUnexpectedEOF)
}
