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
		rest.N = int64(len(wire))
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

// parseHead parses a header. It skips replies of status 1xx, because another one
// follows them. The body can be read up to a total of rest.N bytes.
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
