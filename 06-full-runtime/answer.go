package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const maxDelay = time.Minute // until then the server doesn't notice that a client is gone

const (
	plain = "text/plain; charset=utf-8"
	html  = "text/html; charset=utf-8"
)

//go:embed serve.html
var page string

// answer makes the reply to a request: the page, its figures, or the text that a
// delay server sends.
func (w *worker) answer(co *Co, req *http.Request) *http.Response {
	s, path := w.server, req.URL.EscapedPath()
	ms, text, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	delayed := found && text != "" && !strings.Contains(text, "/")
	switch {
	case !delayed && path != "/" && path != "/stats":
		return s.fail(&refusal{404, "there are /, /stats and /<milliseconds>/<text>"})
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		reply := s.fail(&refusal{405, "only GET and HEAD"})
		reply.Header.Set("Allow", "GET, HEAD")
		return reply
	case path == "/":
		return s.reply(http.StatusOK, html, page)
	case path == "/stats":
		return s.stats(co.cx.runtime().Report())
	}
	return w.delayed(co, ms, text)
}

func (w *worker) delayed(co *Co, ms, text string) *http.Response {
	delay, err := time.ParseDuration(ms + "ms")
	if err != nil || delay > maxDelay {
		return w.server.fail(&refusal{400, fmt.Sprintf("want a number of milliseconds, at most %d", maxDelay.Milliseconds())})
	}
	if text, err = url.PathUnescape(text); err != nil {
		return w.server.fail(errTarget)
	}
	if delay > 0 {
		w.flush(0) // the replies before this one needn't wait for it
		Await(co, Sleep(delay))
	}
	return w.server.reply(http.StatusOK, plain, text)
}

// refuse makes the reply to something that isn't a request.
func (s *server) refuse(err error) *http.Response {
	r := errMalformed
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r = errLate
	}
	errors.As(err, &r)
	reply := s.fail(r)
	reply.Close = true // we can't know where the next request begins
	return reply
}

func (s *server) fail(r *refusal) *http.Response {
	return s.reply(r.status, plain, fmt.Sprintf("%d %s: %s\n", r.status, http.StatusText(r.status), r.text))
}

func (s *server) reply(status int, kind, body string) *http.Response {
	s.counts.replies++
	if now := time.Now(); now.Unix() != s.second {
		s.second, s.dated = now.Unix(), now.UTC().Format(http.TimeFormat)
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {kind}, "Date": {s.dated}},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(strings.NewReader(body)),
	}
}

// counts is what a runtime has done so far, as its Trace tells.
type counts struct {
	start   time.Time
	polls   int
	parks   int
	replies int
	wakes   atomic.Int64 // they may come from any goroutine
}

// watch makes rt count. It is called before the first Spawn.
func watch(rt *Runtime) *counts {
	c := &counts{start: time.Now()}
	rt.Trace.Poll = func(*Task) { c.polls++ }
	rt.Trace.Park = func() { c.parks++ }
	rt.Trace.Woken = func(*Task) { c.wakes.Add(1) }
	return c
}

// stats is what the page shows. It is true at the moment when it is made.
func (s *server) stats(r Report) *http.Response {
	figures, _ := json.Marshal(map[string]any{ // ints can't fail
		"tasks": r.Tasks, "timers": r.Timers, "descriptors": r.Descriptors,
		"connections": len(s.conns), "limit": s.options.Connections, "busy": s.busy(),
		"seconds": time.Since(s.counts.start).Seconds(), "replies": s.counts.replies,
		"polls": s.counts.polls, "wakes": s.counts.wakes.Load(), "parks": s.counts.parks,
	})
	reply := s.reply(http.StatusOK, "application/json", string(figures)+"\n")
	reply.Header.Set("Cache-Control", "no-store")
	return reply
}
