package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const maxHeader = 1 << 20 // bytes of a reply's header

// reply takes a reply apart while it arrives, in pieces of any size. It finds
// the end of the reply (RFC 9112, 6.3), so we needn't wait for the end of the
// connection.
type reply struct {
	keep    int // a longer body is an error; 0 counts the bytes and keeps none
	state   replyState
	status  int
	chunked bool
	left    int64  // bytes of the body or of the chunk; negative: until the connection ends
	length  int64  // of the body so far
	part    []byte // the beginning of a header or a line, whose end is yet to come
	body    strings.Builder
}

// inHeader → inData → complete, or with chunks
// inHeader → inSize → inData → afterData → inSize → … → inTrailer → complete
type replyState int

const (
	inHeader replyState = iota
	inData
	inSize    // the line before a chunk
	afterData // the empty line after a chunk
	inTrailer // lines, up to an empty one
	complete
)

var errChunk = errors.New("malformed chunked encoding")

// add takes the next bytes that have arrived.
func (r *reply) add(p []byte) (err error) {
	for len(p) > 0 && err == nil && r.state != complete {
		switch r.state {
		case inHeader:
			p, err = r.addHeader(p)
		case inData:
			p, err = r.addData(p)
		default:
			p, err = r.addLine(p)
		}
	}
	return err
}

// end takes the end of the connection: io.EOF or a failure.
func (r *reply) end(err error) error {
	if err == io.EOF && r.state == inData && r.left < 0 {
		r.state = complete
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("reply cut short after %d bytes of its body: %w", r.length, io.ErrUnexpectedEOF)
	}
	return err
}

// addHeader collects the whole header, and net/http parses it.
func (r *reply) addHeader(p []byte) (rest []byte, err error) {
	seen := len(r.part)
	p = append(r.part, p...)
	end := endOfHeader(p, seen)
	switch {
	case !strings.HasPrefix("HTTP/", string(p[:min(len(p), 5)])):
		return nil, errors.New("malformed HTTP reply")
	case end > maxHeader, end == 0 && len(p) > maxHeader:
		return nil, fmt.Errorf("header longer than %d bytes", maxHeader)
	case end == 0:
		r.part = p
		return nil, nil
	}
	r.part = nil
	head, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(p[:end]), min(end, 4096)), nil)
	if err != nil || head.StatusCode < 200 && head.StatusCode != 101 {
		return p[end:], err // after an interim reply the real one follows
	}
	r.status, r.left, r.chunked = head.StatusCode, head.ContentLength, head.TransferEncoding != nil
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

// endOfHeader returns the length of a header including its empty line, or 0 if
// that line isn't complete. It wasn't in the first seen bytes.
func endOfHeader(p []byte, seen int) (length int) {
	length = bytes.LastIndexByte(p[:seen], '\n') + 1
	for {
		line, _, whole := bytes.Cut(p[length:], []byte("\n"))
		if !whole {
			return 0
		}
		if length += len(line) + 1; len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			return length
		}
	}
}

func (r *reply) addData(p []byte) (rest []byte, err error) {
	n := len(p)
	if r.left >= 0 {
		n = int(min(int64(n), r.left))
		r.left -= int64(n)
	}
	if r.length += int64(n); r.keep > 0 {
		r.body.Write(p[:n])
		if r.body.Len() > r.keep {
			return nil, fmt.Errorf("reply of more than %d bytes", r.keep)
		}
	}
	if r.left == 0 {
		r.state = complete
		if r.chunked {
			r.state = afterData
		}
	}
	return p[n:], nil
}

// addLine takes a line of what is around chunks (RFC 9112, 7.1).
func (r *reply) addLine(p []byte) (rest []byte, err error) {
	line, rest, whole := bytes.Cut(p, []byte("\n"))
	line = append(r.part, line...)
	if r.part = nil; !whole && len(line) < 4096 {
		r.part = line
		return nil, nil
	}
	line, ended := bytes.CutSuffix(line, []byte("\r"))
	switch {
	case !ended, r.state == afterData && len(line) > 0:
		return nil, errChunk
	case r.state == inTrailer && len(line) > 0 && !bytes.Contains(line, []byte(":")):
		return nil, errChunk
	case r.state == afterData:
		r.state = inSize
	case r.state == inTrailer && len(line) == 0:
		r.state = complete
	case r.state == inSize:
		size, _, _ := bytes.Cut(line, []byte(";")) // an extension may follow
		n, err := strconv.ParseUint(string(bytes.TrimRight(size, " \t")), 16, 63)
		if err != nil {
			return nil, errChunk
		}
		if r.left, r.state = int64(n), inData; n == 0 {
			r.state = inTrailer
		}
	}
	return rest, nil
}
