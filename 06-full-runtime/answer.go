package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxDelay = time.Minute // until then the server doesn't notice that a client is gone
	plain    = "text/plain; charset=utf-8"
)

//go:embed serve.html
var page string

// answer makes the reply to a request: the page, its figures, or a text after
// a delay. It never repeats a request that it doesn't understand.
func (w *worker) answer(co *Co, req *http.Request) *http.Response {
	s, path := w.server, req.URL.EscapedPath()
	ms, text, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case path != "/" && path != "/stats" && (!found || text == "" || strings.Contains(text, "/")):
		return s.fail(404, ": there are / and /<milliseconds>/<text>")
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		reply := s.fail(405, ": only GET and HEAD")
		reply.Header.Set("Allow", "GET, HEAD")
		return reply
	case path == "/":
		return s.reply(200, "text/html; charset=utf-8", page)
	case path == "/stats":
		return s.reply(200, "application/json", s.stats(co.cx.task.runtime.Report()))
	}
	n, err := strconv.ParseUint(ms, 10, 31)
	delay := time.Duration(n) * time.Millisecond
	text, escape := url.PathUnescape(text)
	if err != nil || escape != nil || delay > maxDelay {
		return s.fail(400, fmt.Sprintf(": want 0 to %d milliseconds", maxDelay.Milliseconds()))
	}
	if delay > 0 {
		Await(co, Sleep(delay))
	}
	return s.reply(200, plain, text)
}

func (s *server) fail(status refusal, why string) *http.Response {
	return s.reply(int(status), plain, fmt.Sprintf("%d %v%s\n", int(status), status, why))
}

func (s *server) reply(status int, kind, body string) *http.Response {
	s.counts.replies++
	if now := time.Now(); now.Unix() != s.second {
		s.second, s.date = now.Unix(), now.UTC().Format(http.TimeFormat)
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {kind}, "Date": {s.date}},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(strings.NewReader(body)),
	}
}

// counts is what a runtime has done so far.
type counts struct {
	start                 time.Time
	polls, parks, replies int
	wakes                 atomic.Int64 // they may come from any goroutine
}

// watch makes rt count. It is called before the first Spawn.
func watch(rt *Runtime) *counts {
	c := &counts{start: time.Now()}
	rt.Trace.Poll = func(*Task) { c.polls++ }
	rt.Trace.Park = func() { c.parks++ }
	rt.Trace.Woken = func(*Task) { c.wakes.Add(1) }
	return c
}

// stats is what the page shows.
func (s *server) stats(r Report) string {
	text, _ := json.Marshal(map[string]any{ // which can't fail for numbers
		"tasks": r.Tasks, "timers": r.Timers, "descriptors": r.Descriptors,
		"connections": len(s.conns), "limit": s.options.Connections, "busy": s.busy(),
		"seconds": time.Since(s.counts.start).Seconds(), "replies": s.counts.replies,
		"polls": s.counts.polls, "wakes": s.counts.wakes.Load(), "parks": s.counts.parks,
	})
	return string(text)
}
