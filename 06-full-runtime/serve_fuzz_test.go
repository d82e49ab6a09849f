package main

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// answered is a reply as far as it is the same at any time.
type answered struct {
	Status int
	Body   string
	Close  bool
	method string // which says whether there is a body
}

const anyPage = "a page" // which tells what the runtime does just now

// netHTTPsAnswers are the replies to the requests that net/http reads from the
// bytes as a whole, after which the client has finished.
func netHTTPsAnswers(wire string) (all []answered) {
	r := bufio.NewReader(strings.NewReader(wire))
	for closed := false; !closed; {
		req, err := http.ReadRequest(r)
		if err == io.EOF {
			break
		}
		a := answered{Status: http.StatusBadRequest, Close: true}
		if err == nil {
			a = answerTo(req)
		}
		all, closed = append(all, a), a.Close
	}
	return all
}

// answerTo reads the body, and says what the answer is.
func answerTo(req *http.Request) answered {
	bad := answered{Status: http.StatusBadRequest, Close: true}
	switch {
	case req.ProtoMajor != 1:
		return answered{Status: http.StatusHTTPVersionNotSupported, Close: true}
	case req.Host == "" && req.ProtoAtLeast(1, 1), strings.ContainsAny(req.Host, " \t"):
		return bad
	case slices.ContainsFunc(slices.Collect(maps.Keys(req.Header)), func(name string) bool { return strings.ContainsAny(name, " \t") }):
		return bad
	case req.Header.Get("Expect") != "" && req.Body != http.NoBody:
		req.Close = true
	default:
		n, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxBody+1))
		if err != nil {
			return bad
		}
		req.Close = req.Close || n > maxBody
	}
	a := answered{Status: http.StatusNotFound, Close: req.Close, method: req.Method}
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	parts := strings.Split(req.URL.EscapedPath(), "/")
	switch {
	case len(parts) == 2 && parts[0]+parts[1] == "" && read:
		a.Status, a.Body = http.StatusOK, anyPage
	case len(parts) == 2 && parts[0]+parts[1] == "", len(parts) == 3 && parts[0] == "" && parts[2] != "" && !read:
		a.Status = http.StatusMethodNotAllowed
	case len(parts) == 3 && parts[0] == "" && parts[2] != "":
		a.Status = http.StatusBadRequest
		text, err := url.PathUnescape(parts[2])
		if d, late := time.ParseDuration(parts[1] + "ms"); err == nil && late == nil && d <= maxDelay {
			a.Status, a.Body = http.StatusOK, text
		}
	}
	if a.Status != http.StatusOK || req.Method == http.MethodHead {
		a.Body = ""
	}
	return a
}

// repliesIn are the replies to these requests, and what comes after them.
func repliesIn(heard []byte, to []answered) (all []answered, rest string) {
	r := bufio.NewReader(bytes.NewReader(heard))
	for _, a := range to {
		reply, err := http.ReadResponse(r, &http.Request{Method: a.method})
		if err != nil {
			break
		}
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			break
		}
		got := answered{reply.StatusCode, string(body), reply.Close, a.method}
		if a.Status != http.StatusOK {
			got.Body = "" // why not
		} else if strings.HasPrefix(got.Body, "<!DOCTYPE html>") {
			got.Body = anyPage
		}
		all = append(all, got)
	}
	left, _ := io.ReadAll(r)
	return all, string(left)
}

// serveScripted lets clients and a server take turns until the connections are
// closed. The clock is the bubble's: it goes on if nothing else does.
func serveScripted(t *testing.T, clients ...*script) {
	t.Helper()
	scripts := make(map[int]*script)
	meddle = func(fd, n int) (int, error) {
		if s := scripts[fd]; s != nil {
			return s.meddle(fd, n)
		}
		return n, nil
	}
	pauses := 1000 // of a millisecond, so that no client is late
	for _, c := range clients {
		scripts[c.tested] = c
		c.pause = func() {
			if pauses--; pauses > 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	rt := scriptedRuntime(t, func(timeout time.Duration) bool {
		moved := false
		for _, c := range clients {
			moved = c.run() || moved
		}
		if !moved && timeout > 0 {
			time.Sleep(timeout)
		}
		return moved || timeout > 0
	})
	l, err := Listen(rt, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := BlockOn(rt, Async(func(co *Co) int {
		s := newServer(rt, l, defaultOptions)
		var tasks []Future[Result[struct{}]]
		for _, client := range clients { // as if it came from accept
			Await(co, s.places.Acquire())
			c := &connection{server: s, stream: streamOf(t, rt, client.tested), idle: Sleep{d: s.options.Idle}}
			s.conns[c] = true
			c.task = Spawn(rt, c)
			tasks = append(tasks, c.task)
		}
		Await(co, JoinAll(tasks...))
		return Await(co, s.drain())
	}))
	if cut != 0 || err != nil {
		t.Errorf("%d connections were cut off, %v", cut, err)
	}
	for _, c := range clients {
		for c.run() { // what was on its way
		}
	}
}

// requestWires are such as clients send, and some that are none.
var requestWires = []string{
	"", "G", "\r\n\r\n", getHello, getHello + getHello, getHello + getHello[:20],
	"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + getHello,
	"HEAD /0/hello HTTP/1.1\r\nHost: x\r\n\r\n" + getHello + "HEAD / HTTP/1.0\r\n\r\n",
	"POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + getHello,
	"PUT /0/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n" + getHello,
	"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"GET /5000/late HTTP/1.1\r\nHost: x\r\n\r\n" + getHello,
	"GET / HTTP/3.0\r\nHost: x\r\n\r\n" + getHello,
	"GET /%2f HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n" + getHello,
}

// Property 8.
func TestRequestsSplitAtAnyByteHaveTheSameReplies(t *testing.T) {
	mustEnd(t)
	for _, wire := range requestWires {
		for cut := range len(wire) + 1 {
			synctest.Test(t, func(t *testing.T) {
				c := newScript(t, wire, "t"+strings.Repeat("s", cut)+"t")
				serveScripted(t, c)
				checkReplies(t, c)
			})
		}
	}
}

// Properties 8, 12 and 15: whatever comes, and however, what goes back are the
// replies to the requests that net/http reads from the whole, or the first of
// them if the client resets. A neighbor has its replies.
func FuzzServe(f *testing.F) {
	large := "GET /0/" + strings.Repeat("large", 2000) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, wire := range append(requestWires, large+getHello) {
		f.Add(wire, "", "")
		f.Add(wire, strings.Repeat("st", 40)+"ShtSiwth", "SttSt")
	}
	f.Fuzz(func(t *testing.T, wire, steps, neighborSteps string) {
		mustEnd(t)
		synctest.Test(t, func(t *testing.T) {
			c, neighbor := newScript(t, wire, steps), newScript(t, neighborWire, keepTurns(neighborSteps))
			serveScripted(t, c, neighbor)
			checkReplies(t, c)
			checkReplies(t, neighbor)
		})
	})
}

const neighborWire = getHello + "POST /0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + "HEAD / HTTP/1.0\r\n\r\n"

// keepTurns makes turns of the steps that would end a script.
func keepTurns(steps string) string {
	turns := []byte(steps)
	for i, step := range turns {
		if step&7 == 'f'&7 || step&7 == 'r'&7 {
			turns[i] = 't'
		}
	}
	return string(turns)
}

func checkReplies(t *testing.T, c *script) {
	t.Helper()
	want := netHTTPsAnswers(c.said)
	got, rest := repliesIn(c.heard, want)
	if c.end == unix.ECONNRESET {
		want, rest = want[:len(got)], ""
	}
	if !slices.Equal(got, want) || rest != "" {
		t.Errorf("to %.200q came %.200q\ngot  %+v, then %.100q\nwant %+v", c.said, c.heard, got, rest, want)
	}
}
