package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const maxDelay = time.Minute // a client that is gone is not noticed before

// answer makes the reply to a request: the page at /, else the delay server.
func (w *worker) answer(co *Co, req *http.Request) *http.Response {
	path := req.URL.EscapedPath()
	ms, text, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case path != "/" && (!found || text == "" || strings.Contains(text, "/")):
		return w.server.fail(http.StatusNotFound, "there is / and there is /<milliseconds>/<text>")
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		reply := w.server.fail(http.StatusMethodNotAllowed, "only GET and HEAD")
		reply.Header.Set("Allow", "GET, HEAD")
		return reply
	case path == "/":
		return w.server.reply(http.StatusOK, "text/html; charset=utf-8", w.server.page())
	}
	return w.delayed(co, ms, text)
}

func (w *worker) delayed(co *Co, ms, text string) *http.Response {
	delay, err := time.ParseDuration(ms + "ms")
	if err == nil && delay > maxDelay {
		err = fmt.Errorf("a delay of more than %v", maxDelay)
	}
	if err == nil {
		text, err = url.PathUnescape(text)
	}
	if err != nil {
		return w.server.fail(http.StatusBadRequest, err.Error())
	}
	if delay > 0 {
		w.flush(0) // the replies before this one need not wait for it
		Await(co, NewSleep(delay))
	}
	return w.server.reply(http.StatusOK, "text/plain; charset=utf-8", text)
}

// refuse makes the reply to what is no request.
func (s *server) refuse(err error) *http.Response {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, errHeader):
		status = http.StatusRequestHeaderFieldsTooLarge
	case errors.Is(err, errVersion):
		status = http.StatusHTTPVersionNotSupported
	case errors.Is(err, os.ErrDeadlineExceeded):
		status = http.StatusRequestTimeout
	}
	reply := s.fail(status, err.Error())
	reply.Close = true // nobody knows where the next request begins
	return reply
}

func (s *server) fail(status int, why string) *http.Response {
	text := fmt.Sprintf("%d %s: %s\n", status, http.StatusText(status), why)
	return s.reply(status, "text/plain; charset=utf-8", text)
}

func (s *server) reply(status int, kind, body string) *http.Response {
	s.counts.replies++
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {kind}, "Date": {s.date()}},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(strings.NewReader(body)),
	}
}

// date is made once a second.
func (s *server) date() string {
	if now := time.Now(); now.Unix() != s.second {
		s.second, s.dated = now.Unix(), now.UTC().Format(http.TimeFormat)
	}
	return s.dated
}
