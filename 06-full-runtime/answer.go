package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxDelay = time.Minute // a client that leaves meanwhile isn't noticed
	plain    = "text/plain; charset=utf-8"
)

//go:embed serve.html
var page string

// methods are the allowed methods of each fixed path. All other paths are texts, with those of "/".
var methods = map[string][]string{"/": {"GET", "HEAD"}, "/live": {"GET"}, "/sleep": {"POST"}, "/requests": {"POST"}, "/block": {"POST"}}

// answer makes the reply to a request: the page, what its script asks for, or a text
// after a delay. An error reply never contains what the client sent.
func (w *worker) answer(co *Co, req *http.Request) *http.Response {
	s, path := w.server, req.URL.EscapedPath()
	ms, text, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	allowed, fixed := methods[path]
	if !fixed {
		allowed = methods["/"]
	}
	switch {
	case !fixed && (!found || text == "" || strings.Contains(text, "/")):
		return s.fail(404, ": there are / and /<milliseconds>/<text>")
	case !slices.Contains(allowed, req.Method):
		reply := s.fail(405, ": only "+strings.Join(allowed, ", "))
		reply.Header.Set("Allow", strings.Join(allowed, ", "))
		return reply
	case path == "/":
		reply := s.newReply(200, "text/html; charset=utf-8", page)
		reply.Header.Set("X-Frame-Options", "DENY") // so other sites can't lay it under a click
		return reply
	case fixed:
		return w.serveLive(co, req, path)
	}
	n, err := strconv.ParseUint(ms, 10, 31)
	delay := time.Duration(n) * time.Millisecond
	text, err2 := url.PathUnescape(text)
	if err != nil || err2 != nil || delay > maxDelay {
		return s.fail(400, fmt.Sprintf(": want 0 to %d milliseconds", maxDelay.Milliseconds()))
	}
	if delay > 0 {
		Await(co, Sleep(delay))
	}
	return s.newReply(200, plain, text)
}

// serveLive answers the page's script, which asks for figures each second, or starts work.
func (w *worker) serveLive(co *Co, req *http.Request, path string) *http.Response {
	s := w.server
	if s.options.Live == nil || !fromOurPage(req) {
		return s.fail(403, ": only for the page of a server on a loopback address")
	}
	if path == "/live" {
		w.streaming = true
		reply := s.newReply(200, "text/event-stream", s.figures(co.cx.runtime()))
		reply.ContentLength, reply.Close = -1, true // no length: it ends with the connection
		return reply
	}
	Spawn(co.cx, Async(func(co *Co) struct{} { return s.work(co, path) })).Close()
	return s.newReply(202, plain, "started\n")
}

// fromOurPage keeps out other sites, also one whose name resolves to this host (DNS rebinding).
func fromOurPage(req *http.Request) bool {
	host := (&url.URL{Host: req.Host}).Hostname()
	ip, _ := netip.ParseAddr(host)
	site, origin := req.Header.Get("Sec-Fetch-Site"), req.Header.Get("Origin")
	return (host == "localhost" || ip.IsLoopback()) &&
		(site == "" || site == "same-origin") && (origin == "" || origin == "http://"+req.Host)
}

// work is what a button of the page starts.
func (s *server) work(co *Co, path string) struct{} {
	switch path {
	case "/requests":
		for range 1000 {
			Spawn(co.cx, HTTPGet(s.listener.Addr(), "/2000/hello")).Close()
			Await(co, Yield()) // so the first ones are accepted before the last ones dial
		}
	case "/block":
		Await(co, Sleep(s.options.Live.untilTick()+time.Second-50*time.Millisecond)) // to just before the tick after next
		time.Sleep(500 * time.Millisecond)                                           // over a tick, and nothing else goes on meanwhile
	}
	return Await(co, Sleep(2*time.Second)) // all that /sleep does
}

func (s *server) fail(status int, why string) *http.Response {
	return s.newReply(status, plain, fmt.Sprintf("%d %s%s\n", status, http.StatusText(status), why))
}

func (s *server) newReply(status int, kind, body string) *http.Response {
	s.replies++
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

// live is what the page shows: figures of a runtime and of each of its tasks.
type live struct {
	start        time.Time
	polls, parks int
	wakes        atomic.Int64 // they may come from any goroutine
	tasks        map[*Task]*taskFigures
	polled       *taskFigures  // of the latest poll; nil while parked
	since        time.Duration // from start until that poll began
}

type taskFigures struct {
	start    time.Time
	polls    int
	longest  time.Duration // of its polls, each up to the next task's poll, or to the park
	waitsFor []string      // since its latest poll began
}

// watch makes rt keep figures. It must be called before the first Spawn.
func watch(rt *Runtime) *live {
	l := &live{start: time.Now(), tasks: make(map[*Task]*taskFigures)}
	rt.Trace.Spawn = func(t *Task) { l.tasks[t] = &taskFigures{start: time.Now()} }
	rt.Trace.End = func(t *Task) { delete(l.tasks, t) }
	rt.Trace.Woken = func(*Task) { l.wakes.Add(1) }
	rt.Trace.Wait = func(t *Task, what string) { l.tasks[t].waitsFor = append(l.tasks[t].waitsFor, what) }
	rt.Trace.Park = func() { l.parks++; l.endPoll(nil) }
	rt.Trace.Poll = func(t *Task) {
		f := l.tasks[t]
		l.endPoll(f)
		l.polls++
		f.polls++
		f.waitsFor = f.waitsFor[:0]
	}
	return l
}

// endPoll notes how long the latest poll took. Then the next one begins, if any.
func (l *live) endPoll(next *taskFigures) {
	now := time.Since(l.start)
	if f := l.polled; f != nil {
		f.longest = max(f.longest, now-l.since)
	}
	l.polled, l.since = next, now
}

// untilTick returns how long it is until the next full second.
func (l *live) untilTick() time.Duration { return time.Second - time.Since(l.start)%time.Second }

// figures are an event for the page: what the server and its newest tasks do.
func (s *server) figures(rt *Runtime) string {
	l, r, rows := s.options.Live, rt.Report(), [][]any{}
	newest := slices.SortedFunc(maps.Keys(l.tasks), func(a, b *Task) int { return cmp.Compare(b.ID, a.ID) })
	for _, t := range newest[:min(len(newest), 50)] {
		f := l.tasks[t]
		what := strings.Join(slices.Compact(slices.Clone(f.waitsFor)), ", ")
		rows = append(rows, []any{t.ID, cmp.Or(what, "nothing"), f.polls, f.longest.Seconds(), time.Since(f.start).Seconds()})
	}
	text, _ := json.Marshal(map[string]any{ // which can't fail for numbers and texts
		"tasks": r.Tasks, "timers": r.Timers, "descriptors": r.Descriptors,
		"connections": len(s.conns), "limit": s.options.Connections, "busy": s.busy(),
		"seconds": time.Since(l.start).Seconds(), "replies": s.replies,
		"polls": l.polls, "wakes": l.wakes.Load(), "parks": l.parks, "newest": rows,
	})
	return fmt.Sprintf("data: %s\n\n", text)
}
