package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
)

const maxHeader = 1 << 20 // bytes; http.ReadResponse itself accepts any length

// parseReply parses a reply. If the connection ended with an error instead of
// io.EOF, the reply is complete only if its own header says so.
func parseReply(wire []byte, end error) Response {
	var body bytes.Buffer
	head, rest, err := parseHead(wire)
	if err == nil {
		rest.N = int64(len(wire)) // maxHeader was for the header only
		_, err = body.ReadFrom(head.Body)
	}
	if end != io.EOF && (err != nil || head.ContentLength < 0 && head.TransferEncoding == nil) {
		err = end
	}
	if err != nil {
		return Response{Err: err}
	}
	return Response{Status: head.StatusCode, Body: body.String()}
}

// parseHead parses the header of the final reply. Replies of status 1xx, except 101, come
// before it. The body is read through rest, at most rest.N bytes of it.
func parseHead(wire []byte) (head *http.Response, rest *io.LimitedReader, err error) {
	rest = &io.LimitedReader{R: bytes.NewReader(wire), N: maxHeader}
	r := bufio.NewReaderSize(rest, min(len(wire), 4096))
	for err == nil && (head == nil || head.StatusCode < 200 && head.StatusCode != 101) {
		head, err = http.ReadResponse(r, nil)
	}
	if err != nil && rest.N == 0 {
		err = fmt.Errorf("header longer than %d bytes", maxHeader)
	}
	return head, rest, err
}
